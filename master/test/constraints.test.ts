import type { AgentInfo, SchedulerAttributeConstraint, SchedulerOfferConstraints } from '@meseta/common/protocol/mesos'
import t from 'tap'
import { OfferConstraints } from '../src/allocator/constraints.ts'
import { FakeAgent } from './support/fake-agent.ts'
import { FakeScheduler } from './support/fake-scheduler.ts'
import { Ground } from './support/process.ts'

// Offer constraints (Mesos contract 2.5).

const limits = { maxMem: 4_096, maxProgramSize: 100 }
const agent: AgentInfo = {
  hostname: 'node-7.rack-2',
  domain: { fault_domain: { region: { name: 'eu' }, zone: { name: 'eu-1' } } },
  attributes: [
    { name: 'rack', type: 'TEXT', text: { value: 'r2' } },
    { name: 'rack', type: 'TEXT', text: { value: 'second' } },
    { name: 'disks', type: 'SCALAR', scalar: { value: 4 } },
    { name: 'empty', type: 'TEXT', text: { value: '' } },
  ],
}
const nowhere: AgentInfo = { hostname: 'h' }

const of = (...groups: SchedulerAttributeConstraint[][]): SchedulerOfferConstraints => ({
  role_constraints: { r: { groups: groups.map(attribute_constraints => ({ attribute_constraints })) } },
})
const attribute = (attribute_name: string) => ({ attribute_name })
const pseudo = (pseudoattribute_type: 'HOSTNAME' | 'REGION' | 'ZONE') => ({ pseudoattribute_type })

function compiled(message: SchedulerOfferConstraints): OfferConstraints {
  const answer = OfferConstraints.compile(message, ['r', 'other'], limits)
  if (typeof answer === 'string') throw new Error(answer)
  return answer
}

t.test('each predicate, of attributes and of what is none', async t => {
  const cases: [SchedulerAttributeConstraint, boolean][] = [
    [{ selector: attribute('rack'), predicate: { exists: {} } }, true],
    [{ selector: attribute('none'), predicate: { exists: {} } }, false],
    [{ selector: attribute('rack'), predicate: { not_exists: {} } }, false],
    [{ selector: attribute('none'), predicate: { not_exists: {} } }, true],
    [{ selector: attribute('rack'), predicate: { text_equals: { value: 'r2' } } }, true],
    [{ selector: attribute('rack'), predicate: { text_equals: { value: 'second' } } }, false],
    [{ selector: attribute('none'), predicate: { text_equals: { value: 'r2' } } }, false],
    [{ selector: attribute('rack'), predicate: { text_not_equals: { value: 'second' } } }, true],
    [{ selector: attribute('rack'), predicate: { text_not_equals: { value: 'r2' } } }, false],
    [{ selector: attribute('none'), predicate: { text_not_equals: { value: 'r2' } } }, true],
    [{ selector: attribute('rack'), predicate: { text_matches: { regex: 'r\\d' } } }, true],
    [{ selector: attribute('rack'), predicate: { text_matches: { regex: 'r' } } }, false],
    [{ selector: attribute('rack'), predicate: { text_matches: { regex: 'x|r2|y' } } }, true],
    [{ selector: attribute('none'), predicate: { text_matches: { regex: '.*' } } }, false],
    [{ selector: attribute('rack'), predicate: { text_not_matches: { regex: 'r\\d' } } }, false],
    [{ selector: attribute('rack'), predicate: { text_not_matches: { regex: 'r' } } }, true],
    [{ selector: attribute('none'), predicate: { text_not_matches: { regex: '.*' } } }, true],
    [{ selector: attribute('empty'), predicate: { text_equals: { value: '' } } }, true],
    [{ selector: attribute('empty'), predicate: { text_matches: { regex: '' } } }, true],
    // Text predicates are true for what is no text.
    [{ selector: attribute('disks'), predicate: { text_equals: { value: '4' } } }, true],
    [{ selector: attribute('disks'), predicate: { text_not_equals: { value: '4' } } }, true],
    [{ selector: attribute('disks'), predicate: { text_matches: { regex: 'x' } } }, true],
    [{ selector: attribute('disks'), predicate: { text_not_matches: { regex: '.*' } } }, true],
    [{ selector: pseudo('HOSTNAME'), predicate: { text_matches: { regex: 'node-[0-9]\\..+' } } }, true],
    [{ selector: pseudo('HOSTNAME'), predicate: { not_exists: {} } }, false],
    [{ selector: pseudo('REGION'), predicate: { text_equals: { value: 'eu' } } }, true],
    [{ selector: pseudo('ZONE'), predicate: { text_matches: { regex: '(?i)EU-\\d' } } }, true],
    [{ selector: pseudo('ZONE'), predicate: { text_not_equals: { value: 'eu-1' } } }, false],
  ]
  for (const [constraint, admits] of cases)
    t.equal(compiled(of([constraint])).admits('r', agent), admits, JSON.stringify(constraint))
  const region = { selector: pseudo('REGION'), predicate: { text_equals: { value: 'eu' } } }
  t.notOk(compiled(of([region])).admits('r', nowhere))
  t.ok(compiled(of([{ ...region, predicate: { text_not_matches: { regex: 'eu' } } }])).admits('r', nowhere))
})

t.test('all of a group, and one of the groups; other roles are free', async t => {
  const yes = { selector: attribute('rack'), predicate: { exists: {} } }
  const no = { selector: attribute('rack'), predicate: { not_exists: {} } }
  t.notOk(compiled(of([yes, no])).admits('r', agent))
  t.ok(compiled(of([yes, yes])).admits('r', agent))
  t.ok(compiled(of([no], [yes])).admits('r', agent))
  t.notOk(compiled(of([no], [yes, no])).admits('r', agent))
  t.ok(compiled(of([no])).admits('other', agent))
  t.ok(compiled({}).admits('r', agent))
})

t.test('what is refused, and why', async t => {
  const rack = attribute('rack')
  const matching = (regex: string) => of([{ selector: rack, predicate: { text_matches: { regex } } }])
  const cases: [SchedulerOfferConstraints, RegExp][] = [
    [{ role_constraints: { foreign: { groups: [] } } }, /\[foreign\]: is not a role/],
    [of(), /groups: must not be empty/],
    [of([]), /without attribute_constraints/],
    [of([{ selector: {}, predicate: { exists: {} } }]), /exactly one of pseudoattribute_type/],
    [of([{ selector: { ...rack, ...pseudo('ZONE') }, predicate: { exists: {} } }]), /exactly one of pseudo/],
    [of([{ selector: { pseudoattribute_type: 'UNKNOWN' }, predicate: { exists: {} } }]), /not known/],
    [of([{ selector: rack, predicate: {} }]), /exactly one predicate/],
    [of([{ selector: rack, predicate: { exists: {}, not_exists: {} } }]), /exactly one predicate/],
    [matching('['), /none of RE2/],
    [matching('(a)\\1'), /none of RE2/],
    [matching('(?=a)'), /none of RE2/],
    [matching('a{101}'), /program of size \d+, above 100/],
    [matching('a{1000}'), /more memory than 4096/],
    [matching('x'.repeat(5_000)), /longer than 4096/],
    [of(Array(1_001).fill({ selector: rack, predicate: { exists: {} } })), /more than 1000/],
  ]
  for (const [message, reason] of cases)
    t.match(OfferConstraints.compile(message, ['r'], limits), reason, JSON.stringify(message).slice(0, 150))
})

t.test(
  'on the wire: a framework is offered the agents that match, and one with a bad expression is refused',
  async t => {
    const ground = new Ground()
    t.teardown(() => ground.close())
    const url = await ground.leader('--offer-constraints-re2-max-program-size=20')
    const agents: FakeAgent[] = []
    for (const rack of ['r1', 'r22']) {
      const attributes = [{ name: 'rack', type: 'TEXT' as const, text: { value: rack } }]
      const fake = new FakeAgent({ bus: ground.bus, link: rack, attributes })
      t.teardown(() => fake.stop())
      await fake.registered()
      agents.push(fake)
    }
    const constraints = (regex: string) => ({
      offer_constraints: of([{ selector: attribute('rack'), predicate: { text_matches: { regex } } }]),
    })
    const framework = await new FakeScheduler(url, { role: 'r' }).subscribe(constraints('r\\d'))
    const offers = await framework.offers()
    t.same(
      offers.map(offer => offer.agent_id.value),
      [agents[0]!.id],
    )
    const { status, text } = await framework.call({
      type: 'UPDATE_FRAMEWORK',
      update_framework: {
        framework_info: { id: { value: framework.id! }, user: 'me', name: 'test', role: 'r' },
        ...constraints('('),
      },
    })
    t.equal(status, 400)
    t.match(text, /none of RE2/)
    await framework.call({ type: 'TEARDOWN' })
    const refused = new FakeScheduler(url, { role: 'r' })
    await refused.subscribe(constraints('a{30}'))
    await refused.isClosed()
    t.equal(refused.id, undefined)
    t.same(ground.fatal, [])
  },
)
