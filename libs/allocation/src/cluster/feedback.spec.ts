import { SeededRng } from '@kvasir/kernel'
import { expect, it } from 'vitest'
import { dividedByPools, randomCluster } from '../testing/clusters.js'
import type { ClusterDivision, ClusterInput } from './cluster.js'
import { divideCluster } from './divide-cluster.js'

const SEED = 5
const SHAPE = { modelsMax: 12, poolsMax: 12, capacityMax: 100_000, weightMax: 16, terms: false }

/** The alternative that was not taken: the same weight everywhere, multiplied each round by target over reported total. */
function afterFeedback(input: ClusterInput, plan: ClusterDivision, rounds: number): readonly number[] {
  const strengths = new Map(input.models.map(({ id, weight }) => [id, weight * 2 ** 10]))
  let totals: readonly number[] = []
  for (let round = 0; round <= rounds; round++) {
    const pools = input.pools.map(({ engines }) =>
      engines.map(({ engine, model, limit }) => {
        const weight = Math.min(2 ** 24, Math.max(1, Math.round(strengths.get(model) ?? 1)))
        return { engine, weight, limit, exact: 0 }
      }),
    )
    totals = dividedByPools(input, { ...plan, pools })
    plan.targets.forEach(({ model, exact }, m) => {
      if (totals[m] > 0) strengths.set(model, ((strengths.get(model) ?? 1) * exact) / totals[m])
    })
  }
  return totals
}

it(`a plan is where feedback from reported totals would still be far from, after five rounds, seed ${SEED}`, () => {
  const rng = new SeededRng(SEED, 'feedback')
  const worst = { feedback: [] as number[], plan: [] as number[] }
  for (let run = 0; run < 200; run++) {
    const input = randomCluster(rng, SHAPE)
    const plan = divideCluster(input)
    const farthest = (totals: readonly number[]): number =>
      Math.max(
        0,
        ...plan.targets.map(({ exact }, m) => (exact < 1_000 ? 0 : Math.abs(totals[m] - exact) / exact)),
      )
    worst.feedback.push(farthest(afterFeedback(input, plan, 5)))
    worst.plan.push(farthest(dividedByPools(input, plan)))
  }
  const text = (values: readonly number[]): string => {
    const sorted = [...values].sort((a, b) => a - b)
    const [middle, last] = [sorted[sorted.length >> 1], sorted[sorted.length - 1]]
    return `${(100 * middle).toFixed(2)} % in the median, ${(100 * last).toFixed(2)} % at worst`
  }
  console.info(`from the target: feedback ${text(worst.feedback)}; a plan ${text(worst.plan)}`)
  expect(Math.max(...worst.plan)).toBeLessThan(0.01)
  expect(Math.max(...worst.feedback)).toBeGreaterThan(0.1)
})
