import { setFlagsFromString } from 'node:v8'

/**
 * Regular expressions come from app definitions (constraints), package schemas and queries. One that backtracks for ever would
 * stop the whole process: V8 goes on with its linear engine when there was much of that. Before any expression is compiled.
 */
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')
