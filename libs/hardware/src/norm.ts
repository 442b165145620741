/**
 * (a^p + b^p)^(1/p): how far two costs overlap. p = 1 adds them, a large p keeps the larger one, p < 1 makes them get in each
 * other's way. For tables only: it takes two powers.
 */
export function pNorm(a: number, b: number, p: number): number {
  const larger = Math.max(a, b)
  if (larger === 0 || p === 1) return a + b
  return larger * (1 + (Math.min(a, b) / larger) ** p) ** (1 / p)
}
