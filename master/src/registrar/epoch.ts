import { type Store, StoreError } from '@meseta/common/coordination/store'

const path = '/epoch'

/**
 * Raises the epoch by compare-and-set, before a new leader reads anything: whoever led before it can be told from it.
 * Answers the new epoch, at least 1.
 */
export async function raiseEpoch(store: Store): Promise<number> {
  for (;;) {
    const current = await store.get(path)
    const epoch = (current && current.value.length > 0 ? parse(current.value) : 0) + 1
    const value = Buffer.from(String(epoch))
    try {
      if (current) await store.set(path, value, current.version)
      else await store.create(path, value)
      return epoch
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'CONFLICT') throw error
    }
  }
}

function parse(value: Uint8Array): number {
  const text = Buffer.from(value).toString('utf8')
  const epoch = Number(text)
  if (!Number.isSafeInteger(epoch) || epoch < 0)
    throw new Error(`${path} holds '${text.slice(0, 64)}', which is no epoch`)
  return epoch
}
