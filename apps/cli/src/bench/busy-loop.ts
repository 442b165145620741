/** The process of one bare loop (`busy-loops.ts`): an order comes, the turns that were done go. */

/** `arithmetic` stays in registers; `memory` follows a chain through 32 MiB, which no cache of a core holds. */
export type LoopKind = 'arithmetic' | 'memory'

export interface LoopOrder {
  readonly kind: LoopKind
  readonly ms: number
}

export interface LoopTurns {
  readonly turns: number
  /** As measured: the last turn may take longer. */
  readonly ms: number
}

const CHAIN = 1 << 23
/** Odd, and far more than a cache line: a walk that touches every place of the chain once. */
const STRIDE = 1_000_003
const TURN = 100_000
let chain: Int32Array | undefined

process.on('disconnect', () => process.exit(0))
process.on('message', ({ kind, ms }: LoopOrder) => {
  const turn = kind === 'arithmetic' ? arithmeticTurn : memoryTurn
  // The first ones are for the compiler and for the pages.
  for (let i = 0; i < 20; i++) turn(i)
  const startMs = performance.now()
  let turns = 0
  let last = 0
  while (performance.now() - startMs < ms) {
    last = turn(last)
    turns++
  }
  const answer: LoopTurns = { turns, ms: performance.now() - startMs }
  process.send?.(answer)
})

/** The generator of Numerical Recipes, which nothing can leave out. */
function arithmeticTurn(from: number): number {
  let x = from | 0
  for (let i = 0; i < TURN; i++) x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0
  return x
}

function memoryTurn(from: number): number {
  chain ??= Int32Array.from({ length: CHAIN }, (_, i) => (i + STRIDE) % CHAIN)
  let at = from & (CHAIN - 1)
  for (let i = 0; i < TURN; i++) at = chain[at]
  return at
}
