import type { Command } from 'commander'
import { withCluster } from './options.ts'

/** The terminal UI and what makes shells complete words. */
export function register(program: Command): void {
  withCluster(program.command('ui').description('the terminal UI')).action(async options => {
    const { findRouter } = await import('../client/find-cluster.ts')
    const { showUi } = await import('../ui/show.ts')
    await showUi({ router: findRouter(options), quitEndsCluster: false })
  })
  program
    .command('completion')
    .description('print the completion script of a shell')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string) => (await import('../actions/completion.ts')).script(shell))
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: string[]) => (await import('../actions/completion.ts')).complete(program, words))
}
