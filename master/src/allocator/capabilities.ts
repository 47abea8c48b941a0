/** Capabilities that decide about offers, as bits. */
export const can = {
  MULTI_ROLE: 1,
  HIERARCHICAL_ROLE: 2,
  GPU_RESOURCES: 4,
  REGION_AWARE: 8,
  SHARED_RESOURCES: 16,
  REVOCABLE_RESOURCES: 32,
  RESERVATION_REFINEMENT: 64,
} as const

export function bitsOf(capabilities: Iterable<string>): number {
  let bits = 0
  for (const capability of capabilities) if (Object.hasOwn(can, capability)) bits |= can[capability as keyof typeof can]
  return bits
}
