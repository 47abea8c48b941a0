import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCoordination } from '@meseta/common/coordination/open'
import { openBus } from '@meseta/common/messaging/open'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { component } from '@meseta/master/component'
import { log, startComponent } from '../support/component.ts'
import { answerUsage } from '../support/usage.ts'

// The master as it is, on the embedded store and the bus whose url is given; agents and frameworks are other processes.
const [, , busUrl = 'embedded:'] = process.argv
const folder = mkdtempSync(join(tmpdir(), 'meseta-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const basics = { clock: systemClock, random: systemRandom, log }
const coordination = await openCoordination(`embedded:${folder}/store`, basics)
const bus = await openBus(busUrl, basics)
const master = await startComponent(
  component,
  ['--port=0', `--work-dir=${folder}`, '--cluster-name=bench', '--read-worker'],
  {
    store: coordination.store,
    election: coordination.election,
    bus,
  },
)
answerUsage()
process.send?.(Number(new URL(master.url).port))

// It ends with the benchmark that started it.
process.once('disconnect', () => process.exit(0))
