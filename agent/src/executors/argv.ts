/**
 * The command line of a CommandInfo. The first of `arguments` is the name that a program sees of itself; a shell can not set it,
 * so `value` is that, too.
 */
export function argvOf(shell: boolean, value: string, args: readonly string[]): string[] {
  return shell ? ['/bin/sh', '-c', value] : [value, ...args.slice(1)]
}
