import type { Resource } from '@meseta/common/protocol/mesos'
import { parseResources } from '@meseta/common/resources/text'

/** Resources reserved dynamically for a role, by a principal. */
export function reserved(text: string, role = 'r', principal?: string): Resource[] {
  const reservation = { type: 'DYNAMIC' as const, role, ...(principal === undefined ? {} : { principal }) }
  return parseResources(text).map(resource => ({
    ...resource,
    reservations: [...(resource.reservations ?? []), reservation],
  }))
}

/** A persistent volume of so many MB on disk that is reserved for the role. */
export function volume(
  size: number,
  id = 'v',
  { role = 'r', ...more }: Partial<Resource> & { role?: string } = {},
): Resource {
  const [disk] = reserved(`disk:${size}`, role)
  return {
    ...disk!,
    disk: { persistence: { id }, volume: { container_path: 'data', mode: 'RW' } },
    ...more,
  }
}
