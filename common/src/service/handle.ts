import type { Handle } from './component.ts'

/**
 * The handle of a component that has only to listen. `end` runs once, however often it is stopped; and when listening fails, so that
 * nothing of it is left running, before that error is thrown.
 */
export async function listening(
  listen: () => Promise<Omit<Handle, 'stop'>>,
  end: () => Promise<void>,
): Promise<Handle> {
  let ended: Promise<void> | undefined
  const stop = () => {
    ended ??= end()
    return ended
  }
  try {
    return { ...(await listen()), stop }
  } catch (error) {
    await stop()
    throw error
  }
}
