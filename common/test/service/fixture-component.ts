/** A small component, run as a process of its own by the tests of `service/run`. */

import { commonFlags } from '../../src/service/common-flags.ts'
import { defineComponent } from '../../src/service/component.ts'
import { defineFlags } from '../../src/service/flags.ts'
import { Health } from '../../src/service/health.ts'
import { createHttp } from '../../src/service/http.ts'
import { runComponent } from '../../src/service/run.ts'

const flags = defineFlags({
  ...commonFlags(0),
  mode: {
    type: 'string',
    default: 'plain',
    choices: ['plain', 'hang', 'fatal', 'throw', 'reject', 'misuse'],
    help: 'What goes wrong.',
  },
  password: { type: 'string', secret: true, help: 'A secret.' },
})

const component = defineComponent({
  name: 'fixture',
  summary: 'does nothing, in a way of its choice',
  needs: process.argv.includes('--needy') ? ['store', 'bus'] : [],
  flags,
  envPrefixes: ['MESETA_', 'MESOS_'],
  async start(context) {
    const http = createHttp(context, { name: 'fixture', health: new Health(), flagDefinitions: flags })
    const { mode } = context.flags
    http.app.post('/break', async () => {
      context.clock.after(0, () => {
        if (mode === 'fatal') context.fatal(new Error('leadership is lost'))
        if (mode === 'throw') throw new Error('a mistake')
        if (mode === 'reject') void Promise.reject(new Error('a forgotten promise'))
      })
      return {}
    })
    if (mode === 'misuse') await context.store.get('/x')
    const url = await http.listen()
    return {
      url,
      endpoints: { other: 'udp:1' },
      stop: () => (mode === 'hang' ? new Promise<void>(() => undefined) : http.close()),
    }
  },
})

await runComponent(
  component,
  process.argv.slice(2).filter(word => word !== '--needy'),
)
