import type { Standing } from '../allocator/client-tree.ts'
import type { Quantities } from '../allocator/quantities.ts'
import type { Reason } from '../allocator/reasons.ts'

/** A reason as it is told: its code, a sentence, and the numbers that were compared, in units. */
export interface ToldReason {
  readonly code: Reason['code']
  readonly sentence: string
  readonly [number: string]: unknown
}

/** What words need besides. */
export interface Words {
  /** Of an allocation interval, in seconds. */
  readonly secondsATick: number
  nameOf(frameworkId: string): string
}

export function told(reason: Reason, words: Words): ToldReason {
  const { code } = reason
  switch (code) {
    case 'OFFERED':
      return { code, sentence: 'The framework has an offer of it and has not answered yet.' }
    case 'GIVEN_TO':
      return given(reason, words)
    case 'NOTHING_FREE':
      return { code, sentence: 'Nothing is free there that this role may have and the framework understands.' }
    case 'TOO_SMALL': {
      const free = unitsOf(reason.free)
      const minimum = reason.minimum.map(unitsOf)
      const least = minimum.map(inWords).join(' or ')
      return {
        code,
        sentence: `Only ${inWords(free)} is free there, and an offer holds at least ${least}.`,
        free,
        minimum,
      }
    }
    case 'FILTERED': {
      const seconds = reason.ticks * words.secondsATick
      return {
        code,
        sentence: `The framework declined as much, with a filter that ends in ${seconds} s at most.`,
        seconds,
      }
    }
    case 'GPU':
      return { code, sentence: 'It has GPUs, and the framework has not the capability GPU_RESOURCES.' }
    case 'REGION': {
      const { region } = reason
      return {
        code,
        sentence: `It is in region ${region}, and the framework has not the capability REGION_AWARE.`,
        region,
      }
    }
    case 'CAPABILITY': {
      const { capability } = reason
      return {
        code,
        sentence: `The agent has not the capability ${capability}, which the framework or its role asks for.`,
        capability,
      }
    }
    case 'CONSTRAINT':
      return { code, sentence: "The framework's offer constraints keep it out." }
    case 'QUOTA_LIMIT': {
      const { quotaRole: role, name: resource } = reason
      const limit = reason.limit / 1000
      const consumed = reason.consumed / 1000
      const sentence = `Role ${role} has a limit of ${limit} ${resource}, and consumes ${consumed}.`
      return { code, sentence, quota_role: role, resource, limit, consumed }
    }
    case 'QUOTA_HEADROOM': {
      const resource = reason.name
      const available = reason.available / 1000
      const required = reason.required / 1000
      const sentence = `Guarantees of roles still need ${required} ${resource}, and ${available} is free in the cluster.`
      return { code, sentence, resource, available, required }
    }
    case 'OFFERS_OUTSTANDING': {
      const { outstanding, most, blocked } = reason
      const sentence = blocked
        ? 'The framework does not read its stream: it is offered nothing more until it does.'
        : `The framework holds ${outstanding} unanswered offers, and may have ${most}.`
      return { code, sentence, outstanding, most, blocked }
    }
    case 'SUPPRESSED':
      return { code, sentence: 'The framework suppressed offers in this role, and has not revived them.' }
    case 'DEACTIVATED': {
      const { subject } = reason
      const sentence =
        subject === 'framework' ? 'The framework is not subscribed.' : 'The agent was deactivated, or is being drained.'
      return { code, sentence, subject }
    }
    case 'UNAVAILABLE': {
      const { because } = reason
      const sentence = because === 'DISCONNECTED' ? 'The agent is disconnected.' : 'The agent is not in the whitelist.'
      return { code, sentence, because }
    }
    case 'PAUSED':
      return {
        code,
        sentence: 'There are quotas, and after its election the master waits for the agents to come back.',
      }
    case 'NEXT_CYCLE':
      return { code, sentence: 'Nothing stands against it: the next allocation cycle offers it.' }
  }
}

function given(
  { code, frameworkId, role, ours, theirs }: Reason & { code: 'GIVEN_TO' },
  { nameOf }: Words,
): ToldReason {
  const whom = `framework ${nameOf(frameworkId)} in role ${role}`
  const subjects =
    ours.path === theirs.path ? 'the same' : `${theirs.path} had ${shareOf(theirs)}, ${ours.path} ${shareOf(ours)}`
  return {
    code,
    sentence: `It is offered to ${whom}. By dominant share, divided by weight, without that offer: ${subjects}.`,
    framework_id: frameworkId,
    framework_name: nameOf(frameworkId),
    role,
    ours: standingOf(ours),
    theirs: standingOf(theirs),
  }
}

const rounded = (value: number): number => Number(value.toPrecision(6))
const shareOf = ({ share, weight }: Standing): number => rounded(share / weight)
const standingOf = ({ path, share, weight, allocations }: Standing) => ({
  of: path,
  share: rounded(share),
  weight,
  allocations,
})

const unitsOf = (quantities: Quantities): Record<string, number> =>
  Object.fromEntries([...quantities].map(([name, amount]) => [name, amount / 1000]))

const inWords = (amounts: Readonly<Record<string, number>>): string =>
  Object.entries(amounts)
    .map(([name, amount]) => `${name}:${amount}`)
    .join(';') || 'nothing'
