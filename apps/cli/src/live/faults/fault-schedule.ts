import { SeededRng } from '@kvasir/kernel'

/** What is done to a cluster: a process is killed (SIGKILL), or Redis is, and starts again with or without its data. */
export const faultKinds = ['coordinator', 'engine', 'group', 'gateway', 'redis', 'redis_emptied'] as const
export type FaultKind = (typeof faultKinds)[number]

export interface Fault {
  /** Since load began, ms. */
  readonly atMs: number
  readonly kind: FaultKind
  /** Which of its kind, modulo how many there are. */
  readonly pick: number
}

/** How often each kind is drawn beyond its first time. Redis is killed once each way. */
const drawn: readonly FaultKind[] = [
  ...Array<FaultKind>(4).fill('engine'),
  ...Array<FaultKind>(3).fill('group'),
  ...Array<FaultKind>(3).fill('coordinator'),
  'gateway',
]
/** Mean time between two faults, and the part of the run in which they come: before it there is load, after it calm. */
const BETWEEN_MS = 6_000
const PART = { from: 0.1, to: 0.85 }

/** Each kind at least once, at moments and in an order that the seed draws. */
export function scheduleFaults(seed: number, seconds: number): readonly Fault[] {
  const rng = new SeededRng(seed, 'faults')
  const spanMs = 1_000 * seconds * (PART.to - PART.from)
  const count = Math.max(faultKinds.length, Math.round(spanMs / BETWEEN_MS))
  const kinds: FaultKind[] = [...faultKinds]
  while (kinds.length < count) kinds.push(drawn[rng.int(drawn.length)])
  for (let i = kinds.length - 1; i > 0; i--) {
    const j = rng.int(i + 1)
    ;[kinds[i], kinds[j]] = [kinds[j], kinds[i]]
  }
  return kinds.map((kind, i) => ({
    atMs: Math.round(1_000 * seconds * PART.from + (spanMs * (i + rng.uniform())) / count),
    kind,
    pick: rng.int(1_000),
  }))
}
