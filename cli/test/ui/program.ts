// The terminal UI as a process of its own: program.ts ROUTER PIDFILE [owner]. SIGUSR2 crashes it.
import { writeFileSync } from 'node:fs'
import { showUi } from '../../src/ui/show.ts'

const [router, pidFile, owner] = process.argv.slice(2)
process.once('SIGUSR2', () => {
  throw new Error('crashed as told')
})
writeFileSync(pidFile!, String(process.pid))
await showUi({ router: router!, quitEndsCluster: owner === 'owner' })
