/** What a restart starts from: how many instances are wanted, and what is there. */
export interface RollingState {
  /** Instances wanted. */
  readonly wanted: number
  readonly minimumHealthCapacity: number
  readonly maximumOverCapacity: number
  /** Instances with the goal Running that count as healthy, old and new. */
  readonly healthy: number
  /** All current instances. */
  readonly current: number
  /** Whether instances own their storage, so that no second one can run beside. */
  readonly resident: boolean
}

export interface RollingBounds {
  /** Old instances that may be killed at once. */
  readonly killNow: number
  /** The most instances, old and new, at any time. */
  readonly maxCapacity: number
  readonly minHealthy: number
}

/** The arithmetic of contract 11, Restart. */
export function rollingBounds(state: RollingState): RollingBounds {
  const minHealthy = Math.ceil(round(state.wanted * state.minimumHealthCapacity))
  let maxCapacity = Math.floor(round(state.wanted * (1 + state.maximumOverCapacity)))
  let killNow = Math.max(0, state.healthy - minHealthy)
  if (minHealthy === maxCapacity && maxCapacity <= state.healthy) {
    if (state.resident) killNow = state.healthy - minHealthy + 1
    else maxCapacity += 1
  }
  if (state.wanted < state.current) killNow = Math.max(state.current - state.wanted, killNow)
  return { killNow, maxCapacity, minHealthy }
}

/** 0.1 * 3 must not become 4 by the last bit of a fraction. */
const round = (value: number): number => Math.round(value * 1e9) / 1e9

export interface RollingStep {
  /** Old instances to end now, of these unhealthy ones first. */
  readonly kill: number
  /** New instances to start now. */
  readonly start: number
}

/** What is there in the middle of a restart. */
export interface RollingProgress {
  readonly wanted: number
  readonly minimumHealthCapacity: number
  readonly maximumOverCapacity: number
  readonly resident: boolean
  readonly old: number
  readonly oldHealthy: number
  /** Old instances known to serve no one: not those of which nothing is known yet. */
  readonly oldUnhealthy: number
  /** New instances, launched or waiting. */
  readonly started: number
  /** New instances that are healthy and ready. */
  readonly newHealthy: number
  /** Instances told to end that still run: they take room, too. */
  readonly leaving: number
}

/**
 * The next step of a restart, from what is there alone: it holds after any crash. Healthy instances never become fewer
 * than the minimum. Where there is no room and nothing healthy may go, unhealthy old instances make room: they serve no one.
 */
export function rollingStep(progress: RollingProgress): RollingStep {
  const { wanted, old, oldUnhealthy, started, newHealthy, leaving } = progress
  if (wanted === 0 || newHealthy >= wanted) return { kill: old, start: Math.max(0, wanted - started) }
  const bounds = rollingBounds({ ...progress, healthy: progress.oldHealthy + newHealthy, current: old })
  const room = (remaining: number, ending: number): number =>
    Math.min(wanted - started, bounds.maxCapacity - remaining - ending - started)
  let kill = Math.min(old, bounds.killNow)
  if (leaving === 0 && kill === 0 && started < wanted && room(old, 0) <= 0)
    kill = Math.min(oldUnhealthy, wanted - started)
  return { kill, start: Math.max(0, room(old - kill, leaving + kill)) }
}
