/**
 * Asks each agent to end its tasks with their grace periods and waits until they are gone. An agent that does not answer keeps
 * its tasks: they are named in the sentence that is said.
 * Answers the number of tasks ended.
 */
export async function stopTasks(
  agents: readonly string[],
  timeout: number,
  say: (sentence: string) => void,
): Promise<number> {
  const counts = await Promise.all(
    agents.map(async url => {
      try {
        const answer = await fetch(`${url}/meseta/v1/stop-tasks`, {
          method: 'POST',
          signal: AbortSignal.timeout(timeout),
        })
        if (!answer.ok) throw new Error(`it answered ${answer.status}`)
        const { tasks } = (await answer.json()) as { tasks: number }
        return tasks
      } catch (error) {
        say(
          `the agent at ${url} could not end its tasks: ${error instanceof Error ? error.message : error}; they go on`,
        )
        return 0
      }
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}
