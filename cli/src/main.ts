#!/usr/bin/env node
import './linear-regexps.ts'
import { CommanderError } from 'commander'
import { mindClosedOutput } from './output/closed.ts'
import { Failure, report } from './output/failure.ts'
import { createProgram } from './program.ts'

const program = createProgram()
mindClosedOutput(process.argv[2] === 'up' || process.argv[2] === 'run')
try {
  await program.parseAsync(process.argv)
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version end this way too, with code 0; a usage error has been printed by then.
    process.exitCode = error.exitCode === 0 ? 0 : 2
  } else {
    process.exitCode = report(error, process.env.MESETA_DEBUG === '1')
    if (!(error instanceof Failure) && process.env.MESETA_DEBUG !== '1') {
      process.stderr.write('hint: MESETA_DEBUG=1 shows where this came from\n')
    }
  }
}
