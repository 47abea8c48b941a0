// Starts the command line from a checkout: TypeScript as it is, its stripped form cached between runs.
import { enableCompileCache } from 'node:module'
import './tsx.mjs'

enableCompileCache()
await import('../cli/src/main.ts')
