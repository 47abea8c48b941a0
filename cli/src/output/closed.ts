/**
 * What happens when whoever reads the output has gone (`meseta … | head -1`): a command that only prints ends silently, and one
 * that keeps a cluster (`stays`) goes on without a reader. Messages on stderr are never worth ending for.
 */
export function mindClosedOutput(stays: boolean): void {
  process.stderr.on('error', () => undefined)
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (stays) return
    if (error.code === 'EPIPE') process.exit()
    process.stderr.write(`Error: the output can not be written: ${error.message}\n`)
    process.exit(1)
  })
}
