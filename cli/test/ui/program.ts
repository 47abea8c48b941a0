// The terminal UI as a process of its own: program.ts ROUTER PIDFILE [owner]. SIGUSR2 crashes it. As its cluster's owner it announces
// something on SIGUSR1 and closes the UI on SIGTERM.
import { writeFileSync } from 'node:fs'
import { Announcer } from '../../src/output/announcer.ts'
import { showUi } from '../../src/ui/show.ts'

const [router, pidFile, role] = process.argv.slice(2)
const isOwner = role === 'owner'
const announcer = new Announcer()
const told = Promise.withResolvers<void>()
process.once('SIGUSR2', () => {
  throw new Error('crashed as told')
})
process.on('SIGUSR1', () => announcer.say('master-1 has ended; starting it again'))
if (isOwner) process.on('SIGTERM', () => told.resolve())
writeFileSync(pidFile!, String(process.pid))
await showUi({ router: router!, quitEndsCluster: isOwner, announcer, until: told.promise })
announcer.say('the UI is closed')
