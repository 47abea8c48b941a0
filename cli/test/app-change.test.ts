import t from 'tap'
import { changeOf, ignoredFields } from '../src/client/app-change.ts'

const app = {
  id: '/web',
  cpus: 1,
  env: { A: '1', 'B.C': '2' },
  labels: {},
  container: { type: 'MESOS', docker: { image: 'web:1', forcePullImage: true } },
  constraints: [],
}

t.test('a word for a part of a field keeps the rest of it', async t => {
  t.same(changeOf(app, ['cpus=2']), { cpus: 2 })
  t.same(changeOf(app, ['env.A=3', 'env.D=x y']), { env: { A: '3', 'B.C': '2', D: 'x y' } })
  t.same(changeOf(app, ['container.docker.image=web:2']), {
    container: { type: 'MESOS', docker: { image: 'web:2', forcePullImage: true } },
  })
  t.equal(app.container.docker.image, 'web:1', 'the app itself is left alone')
  t.same(changeOf(app, ['env={"A":"3"}']), { env: { A: '3' } }, 'the whole field is replaced by a whole one')
  t.same(changeOf(app, ['env={"A":"3"}', 'env.D=4']), { env: { A: '3', D: '4' } })
  t.same(changeOf(app, ['upgradeStrategy.maximumOverCapacity=0']), { upgradeStrategy: { maximumOverCapacity: 0 } })
  t.same(changeOf(app, ['cmd=a.b=c']), { cmd: 'a.b=c' })
})

t.test('variables and labels are texts, and their names may have dots', async t => {
  t.same(changeOf(app, ['labels.traefik.enable=true', 'labels.n=""']), { labels: { 'traefik.enable': 'true', n: '' } })
  t.same(changeOf(app, ['env.KEY={"secret":"s"}']).env, { ...app.env, KEY: { secret: 's' } })
  t.same(changeOf(app, ['env.LIST=[1, 2]']).env, { ...app.env, LIST: '[1, 2]' })
  const usage = { name: 'Failure', exit: 'usage' }
  for (const word of ['env.__proto__=1', '__proto__.x=1', 'env', '=1', 'constraints.x=1', 'cpus.x=1']) {
    t.throws(() => changeOf({ ...app, cpus: 1 }, ['cpus=1', 'constraints=[]', word]), usage, word)
  }
})

t.test('a mistyped field is named', async t => {
  t.same(ignoredFields({ id: '/web', cpuss: 1, enviroment: { A: '1' } }, app), [
    'Marathon knows no field "cpuss" and has ignored it. Did you mean "cpus"?',
    'Marathon knows no field "enviroment" and has ignored it.',
  ])
  t.same(ignoredFields({ uris: ['a'], ports: [0], args: null, secrets: {}, lastTaskFailure: { x: 1 } }, app), [])
})
