import { Failure } from '../output/failure.ts'
import { nearest } from '../output/nearest.ts'
import type { Router } from './router.ts'

export interface MesosTask {
  readonly id: string
  readonly name: string
  readonly framework_id: string
  readonly executor_id: string
  readonly slave_id: string
  readonly state: string
  readonly user?: string
  readonly statuses?: readonly {
    readonly state: string
    readonly timestamp: number
    readonly container_status?: { readonly container_id?: { readonly value: string; readonly parent?: unknown } }
  }[]
}

export interface MesosAgent {
  readonly id: string
  readonly hostname: string
  readonly pid: string
  readonly active: boolean
  readonly deactivated?: boolean
  readonly attributes?: Readonly<Record<string, unknown>>
  readonly resources?: Readonly<Record<string, unknown>>
  readonly used_resources?: Readonly<Record<string, unknown>>
  readonly domain?: {
    readonly fault_domain?: { readonly region?: { readonly name: string }; readonly zone?: { readonly name: string } }
  }
  readonly drain_info?: { readonly state?: string }
}

export interface MesosFramework {
  readonly id: string
  readonly name: string
  readonly hostname: string
  readonly active: boolean
  readonly used_resources?: Readonly<Record<string, number>>
  readonly tasks?: readonly MesosTask[]
  readonly completed_tasks?: readonly MesosTask[]
  readonly unreachable_tasks?: readonly MesosTask[]
}

export interface MesosState {
  readonly cluster?: string
  readonly hostname: string
  readonly leader_info?: { readonly hostname: string; readonly port: number }
  readonly slaves: readonly MesosAgent[]
  readonly frameworks: readonly MesosFramework[]
  readonly completed_frameworks: readonly MesosFramework[]
}

export const readState = (router: Router): Promise<MesosState> => router.json<MesosState>('/mesos/master/state')

/** Tasks of all frameworks: running ones, and with `ended` those that are over. */
export function tasksOf(state: MesosState, which: { readonly running: boolean; readonly ended: boolean }): MesosTask[] {
  const frameworks = [...state.frameworks, ...state.completed_frameworks]
  return frameworks.flatMap(framework => [
    ...(which.running ? [...(framework.tasks ?? []), ...(framework.unreachable_tasks ?? [])] : []),
    ...(which.ended ? (framework.completed_tasks ?? []) : []),
  ])
}

/** Those whose id holds the text, or matches it as a pattern with `*` and `?`. */
export function matching(tasks: readonly MesosTask[], text: string | undefined): MesosTask[] {
  if (text === undefined) return [...tasks]
  const pattern = /[*?]/.test(text)
    ? new RegExp(
        `^${text
          .replace(/[.+^${}()|[\]\\]/g, '\\$&')
          .replaceAll('*', '.*')
          .replaceAll('?', '.')}$`,
      )
    : undefined
  return tasks.filter(({ id, name }) =>
    pattern ? pattern.test(id) || pattern.test(name) : id.includes(text) || name === text,
  )
}

/** The failure of a text that no task matches. */
export function noTask(text: string, tasks: readonly MesosTask[]): Failure {
  const near = nearest(text, [...new Set(tasks.map(({ name }) => name))])
  return new Failure(`no task ID found containing '${text}'`, {
    exit: 'notFound',
    hint:
      near.length > 0
        ? `Did you mean ${near.map(name => `"${name}"`).join(' or ')}?`
        : '`meseta task list --all` shows all',
  })
}
