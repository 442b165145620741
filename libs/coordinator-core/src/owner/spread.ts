/** A number of 32 bits that tells names apart (FNV-1a): who sorts by it has an order of his own, and always the same. */
export function spreadHash(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
