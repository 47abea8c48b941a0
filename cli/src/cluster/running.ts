import type { ClusterFile } from './cluster-file.ts'

/** A cluster that this process started or adopted. */
export interface RunningCluster {
  readonly file: ClusterFile
  /** Rejects when the cluster can not go on in this process. */
  readonly broken: Promise<never>
  /** Ends everything: tasks first, with their grace periods, unless they are to be kept. Answers how many tasks were ended. */
  end(options: { keepTasks: boolean; timeout: number }): Promise<{ tasks: number }>
}

/** Tells a person what happens. */
export type Say = (sentence: string) => void
