import type { ChildProcess } from 'node:child_process'

/** Answers the benchmark that asks what this process has used. */
export function answerUsage(): void {
  process.on('message', message => {
    if (message === 'usage') process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() })
  })
}

/** Processor time that a child has used so far, in microseconds. */
export async function cpuOf(child: ChildProcess): Promise<number> {
  const answer = Promise.withResolvers<{ cpu: NodeJS.CpuUsage }>()
  child.once('message', message => answer.resolve(message as { cpu: NodeJS.CpuUsage }))
  child.send('usage')
  const { cpu } = await answer.promise
  return cpu.user + cpu.system
}
