import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCoordination } from '@meseta/common/coordination/open'
import { openBus } from '@meseta/common/messaging/open'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { component } from '@meseta/master/component'
import { log, startComponent } from '../support/component.ts'
import { startSimulatedAgent } from '../support/simulated-agents.ts'

// The master as it is, on the embedded store and bus, with simulated agents that share its process and its core.
const agents = Number(process.argv[2] ?? 1000)
const folder = mkdtempSync(join(tmpdir(), 'meseta-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const basics = { clock: systemClock, random: systemRandom, log }
const coordination = await openCoordination(`embedded:${folder}/store`, basics)
const bus = await openBus('embedded:', basics)
const master = await startComponent(
  component,
  ['--port=0', `--work-dir=${folder}`, '--allocation-interval=100ms', '--cluster-name=bench'],
  { store: coordination.store, election: coordination.election, bus },
)
const simulated = Array.from({ length: agents }, (_, index) =>
  startSimulatedAgent({ bus, cluster: 'bench', index, log }),
)
while (simulated.some(({ id }) => id === undefined)) await new Promise(resolve => setTimeout(resolve, 50))
process.send?.(Number(new URL(master.url).port))

// It ends with the benchmark that started it.
process.once('disconnect', () => process.exit(0))
