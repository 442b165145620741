import type { ClusterInput } from '../cluster/cluster.js'
import type { Rational } from './oracle.js'
import { type Constraint, maximise } from './simplex.js'

/**
 * Weighted max-min totals of a cluster as the design states them, by linear programmes: raise the level of all models that can
 * still rise until one cannot, fix that one, go on. Written apart from the code it judges. Undefined when guarantees do not fit.
 */
export function clusterOracle(input: ClusterInput): readonly Rational[] | undefined {
  const { models } = input
  const edges = input.pools.flatMap(({ capacity, engines, maxShare = 1 }, pool) => {
    const share = Math.floor((capacity * Math.round(maxShare * 1e6)) / 1e6)
    const caps = engines.map(({ limit, demand }) => Math.min(limit, demand, share))
    const unit = capacity >= caps.filter((cap) => cap > 0).length ? 1 : 0
    return engines.map(({ model, guarantee }, i) => ({
      pool,
      model: models.findIndex(({ id }) => id === model),
      floor: Math.min(Math.max(guarantee, unit), caps[i]),
      cap: caps[i],
    }))
  })
  const floorOf = (m: number) => sum(edges.map((edge) => (edge.model === m ? edge.floor : 0)))
  const capOf = (m: number) => sum(edges.map((edge) => (edge.model === m ? edge.cap : 0)))
  const caps = models.map(({ limit = Infinity }, m) => Math.max(floorOf(m), Math.min(limit, capOf(m))))
  const floors = models.map(({ guarantee = 0 }, m) => Math.min(caps[m], Math.max(guarantee, floorOf(m))))

  // Variables: what each edge has above its floor, then the level.
  const row = (of: (edge: (typeof edges)[number]) => number, level = 0) => [...edges.map(of), level]
  const has = (m: number, sign: number, level = 0) => row((edge) => (edge.model === m ? sign : 0), level)
  const always: Constraint[] = [
    ...edges.map((edge) => ({
      coefficients: row((other) => (other === edge ? 1 : 0)),
      bound: edge.cap - edge.floor,
    })),
    ...input.pools.map(({ capacity }, p) => ({
      coefficients: row((edge) => (edge.pool === p ? 1 : 0)),
      bound: capacity - sum(edges.map((edge) => (edge.pool === p ? edge.floor : 0))),
    })),
    ...models.map((_, m) => ({ coefficients: has(m, 1), bound: caps[m] - floorOf(m) })),
    ...models.map((_, m) => ({ coefficients: has(m, -1), bound: floorOf(m) - floors[m] })),
  ]
  const fixed = new Map<number, Rational>()
  const held = (): Constraint[] =>
    [...fixed].map(([m, { num, den }]) => ({
      coefficients: has(m, -1).map((value) => value * Number(den)),
      bound: Number(BigInt(floorOf(m)) * den - num),
    }))
  while (fixed.size < models.length) {
    const rising = [...models.keys()].filter((m) => !fixed.has(m))
    const rise = rising.map((m) => ({ coefficients: has(m, -1, models[m].weight), bound: floorOf(m) }))
    const top = maximise(
      row(() => 0, 1),
      [...always, ...held(), ...rise],
    )
    if (top.kind !== 'optimal') return undefined
    const level = reduced(top)
    const kept = rising.map((m) => ({
      coefficients: has(m, -1).map((value) => value * Number(level.den)),
      bound: Number(BigInt(floorOf(m)) * level.den - level.num * BigInt(models[m].weight)),
    }))
    for (const m of rising) {
      const most = maximise(has(m, 1), [...always, ...held(), ...kept])
      if (most.kind !== 'optimal') return undefined
      const total = reduced({ num: most.num + BigInt(floorOf(m)) * most.den, den: most.den })
      const least = level.num * BigInt(models[m].weight)
      const reached =
        total.num * level.den <= least * total.den || total.num === BigInt(floors[m]) * total.den
      if (reached) fixed.set(m, total)
    }
  }
  return models.map((_, m) => fixed.get(m) ?? { num: 0n, den: 1n })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** So that the next programme's whole numbers stay small. */
function reduced({ num, den }: Rational): Rational {
  let [a, b] = [num < 0n ? -num : num, den]
  while (b !== 0n) [a, b] = [b, a % b]
  return a === 0n ? { num: 0n, den: 1n } : { num: num / a, den: den / a }
}
