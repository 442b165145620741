import { SeededRng } from '@kvasir/kernel'
import { BlockPool, SwapSpace, SyntheticContent } from '@kvasir/kv-cache'
import { describe, expect, test } from 'vitest'
import { defaultSchedulerConfig, type SchedulerConfig, type SequenceCosts } from './config.js'
import { CopyBuffer } from './copy-buffer.js'
import { Lifecycle } from './lifecycle.js'
import { chooseVictim, type VictimPolicy } from './victim-policies.js'

const policies: VictimPolicy[] = ['latest', 'lowest-priority', 'least-waste']
const costs: SequenceCosts = { recomputeUs: (tokens) => 10 * tokens, swapUs: (blocks) => 25 * blocks }

interface Running {
  readonly promptTokens: number
  readonly outputsLeft?: number
  readonly priority?: number
}

/** Sequences that all have computed their prompts, in order of admission; blocks of four tokens. */
function running(
  sequences: readonly Running[],
  config: Partial<SchedulerConfig> = {},
  hostBlocks = 0,
): Lifecycle {
  const pool = new BlockPool({
    blockSize: 4,
    blocksPerBundle: 1,
    bundleCapacity: 1_000,
    placement: 'queue-order',
    prefixCaching: false,
  })
  pool.mapBundles(Array.from({ length: 1_000 }, (_, id) => id))
  const full = { ...defaultSchedulerConfig, prefixCaching: false, ...config }
  const life = new Lifecycle(full, pool, costs, new SwapSpace(hostBlocks))
  sequences.forEach(({ promptTokens, outputsLeft = 100, priority = 0 }, i) => {
    const content = new SyntheticContent({ uniqueSeed: i })
    const input = { id: `s${i}`, promptTokens, maxOutputTokens: outputsLeft, priority, arrivalUs: i, content }
    const slot = life.add(input, promptTokens + outputsLeft)
    life.enter(0, slot, { blocks: 0, revived: 0 }, life.blocksFor(promptTokens), new CopyBuffer())
    life.store.computed[slot] = promptTokens
  })
  return life
}

describe('no victim outranks the sequence it is stopped for', () => {
  test.each(policies.flatMap((policy) => [1, 2, 3, 4].map((seed) => [policy, seed] as const)))(
    'with %s, whoever needs memory (seed %i)',
    (policy, seed) => {
      const rng = new SeededRng(seed, 'victims')
      for (let i = 0; i < 50; i++) {
        const sequences = Array.from({ length: 1 + rng.int(12) }, () => ({
          promptTokens: 1 + rng.int(60),
          outputsLeft: 1 + rng.int(40),
          priority: rng.int(4),
        }))
        const life = running(
          sequences,
          { preemption: (['recompute', 'swap'] as const)[rng.int(2)] },
          rng.int(30),
        )
        for (let beneficiary = 0; beneficiary < life.runningCount; beneficiary++) {
          const victim = chooseVictim[policy](life, beneficiary)
          expect(sequences[victim].priority).toBeLessThanOrEqual(sequences[beneficiary].priority)
          // Else two sequences could stop each other for ever.
          if (policy !== 'lowest-priority') expect(victim).toBeGreaterThanOrEqual(beneficiary)
        }
      }
    },
  )

  test('but with the recorded latest', () => {
    const sequences = [{ promptTokens: 8 }, { promptTokens: 8, priority: 9 }]
    expect(chooseVictim.latest(running(sequences), 0)).toBe(0)
    expect(chooseVictim.latest(running(sequences, { victimsMayOutrank: true }), 0)).toBe(1)
  })
})

describe('least waste', () => {
  const choose = (life: Lifecycle, beneficiary = 0) => chooseVictim['least-waste'](life, beneficiary)

  test('spares a sequence that is about to finish', () => {
    const sequences = [
      { promptTokens: 8 },
      { promptTokens: 40, outputsLeft: 100 },
      { promptTokens: 40, outputsLeft: 1 },
    ]
    expect(choose(running(sequences))).toBe(1)
  })

  test('takes a sequence that swaps cheaply before one that must be computed again', () => {
    const sequences = [{ promptTokens: 8 }, { promptTokens: 40 }, { promptTokens: 400 }]
    // Only ten blocks of host memory: enough for the first of the two.
    expect(choose(running(sequences, { preemption: 'swap' }, 10))).toBe(1)
    expect(choose(running(sequences))).toBe(2)
  })

  test('lets the sequence that needs memory give way itself when that wastes least, unless it was admitted first', () => {
    const sequences = [
      { promptTokens: 8, outputsLeft: 500 },
      { promptTokens: 8, outputsLeft: 500 },
      { promptTokens: 80, outputsLeft: 2 },
    ]
    expect(choose(running(sequences), 1)).toBe(1)
    expect(choose(running(sequences), 0)).not.toBe(0)
  })
})
