// Builds the page: src/main.tsx and src/styles/app.css become dist/page/{app.js,app.css}, index.html is copied beside them.
// Works without a network. index.html comes last: its time tells set-up that the whole page is there.
import { copyFileSync, mkdirSync, utimesSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = path => fileURLToPath(new URL(path, import.meta.url))

try {
  mkdirSync(here('dist/page/'), { recursive: true })
  await build({
    entryPoints: [here('src/main.tsx'), here('src/styles/app.css')],
    entryNames: 'app',
    outdir: here('dist/page/'),
    absWorkingDir: here('.'),
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome120', 'firefox121', 'safari17.5'],
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'warning',
  })
  copyFileSync(here('src/index.html'), here('dist/page/index.html'))
  const now = new Date()
  utimesSync(here('dist/page/index.html'), now, now)
} catch (error) {
  // What is wrong in a source esbuild has already said, with its line.
  if (!error.errors) console.error(error)
  process.exit(1)
}
