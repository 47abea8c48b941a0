// Node.js strips the types of `.ts` files itself, but does not load `.tsx`.
// This hook sends only those through a transformer; compiled code needs none of it.
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

let transform

registerHooks({
  load(url, context, nextLoad) {
    if (!url.startsWith('file:') || !url.endsWith('.tsx')) return nextLoad(url, context)
    transform ??= process.getBuiltinModule('node:module').createRequire(import.meta.url)('sucrase').transform
    const filePath = fileURLToPath(url)
    const { code } = transform(readFileSync(filePath, 'utf8'), {
      transforms: ['typescript', 'jsx'],
      jsxRuntime: 'automatic',
      production: true,
      disableESTransforms: true,
      preserveDynamicImport: true,
      filePath,
    })
    return { format: 'module', source: code, shortCircuit: true }
  },
})
