import { fileURLToPath } from 'node:url'

/** The folder with the built page: `index.html`, `app.js`, `app.css`. Made by `router/ui/build.mjs`. */
export const pageFolder: string = fileURLToPath(new URL('../dist/page/', import.meta.url))
