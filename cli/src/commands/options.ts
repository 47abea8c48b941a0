import type { Command } from 'commander'

/** The options by which a command finds its cluster. */
export function withCluster(command: Command): Command {
  return command
    .option('--cluster <address>', 'address of the router or work-dir of the cluster (MESETA_CLUSTER)')
    .option('--work-dir <folder>', 'the cluster of this machine in that folder (MESETA_WORK_DIR)')
}

/** Every command that speaks to a cluster prints JSON when asked; what is JSON anyway stays as it is. */
export function withJson(command: Command): Command {
  return withCluster(command).option('--json', 'print JSON', false)
}

/** Gathers an option that may be given several times. */
export const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]
