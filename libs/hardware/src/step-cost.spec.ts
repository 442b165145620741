import { SeededRng } from '@kvasir/kernel'
import { describe, expect, test } from 'vitest'
import { knownGpu } from './gpu.js'
import { type HostPresetName, hostPresets, withHostTimes } from './host-preset.js'
import { knownModel } from './model.js'
import { createStepCost } from './step-cost.js'
import { combineShapes, decodeShape, emptyShape, prefillShape, type StepShape } from './step-shape.js'

function cost(gpu: string, model: string, tp: number, host: HostPresetName = 'vllm-async') {
  return createStepCost({ gpu: knownGpu(gpu), model: knownModel(model), tp, host: hostPresets[host] })
}

const millis = (us: number) => us / 1000

describe('createStepCost', () => {
  test('takes no time for nothing and at least a microsecond for something', () => {
    const model = cost('B200', 'Qwen3-8B', 8, 'none')
    expect(model.stepUs(emptyShape)).toBe(0)
    expect(model.tokensPerSecond(emptyShape)).toBe(0)
    expect(model.breakdown(emptyShape).totalUs).toBe(0)
    expect(model.stepUs(decodeShape({ sequences: 1, contextTokens: 1 }))).toBeGreaterThanOrEqual(1)
  })

  test('decodes 32 sequences of Llama-3-70B with 1,000 tokens on 4 H100 in 15 to 25 ms', () => {
    const us = cost('H100', 'Llama-3-70B', 4).stepUs(decodeShape({ sequences: 32, contextTokens: 1000 }))
    expect(millis(us)).toBeGreaterThan(15)
    expect(millis(us)).toBeLessThan(25)
  })

  test('decodes one sequence of Llama-3-70B on 4 H100 in the 16 to 18 ms of CUDA-graph engines', () => {
    // shared/data/profiles/README.md: "about 16-18 ms for the same".
    const us = cost('H100', 'Llama-3-70B', 4).stepUs(decodeShape({ sequences: 1, contextTokens: 500 }))
    expect(millis(us)).toBeGreaterThan(15)
    expect(millis(us)).toBeLessThan(18)
  })

  test('returns whole microseconds that its breakdown adds up to', () => {
    const model = cost('H100', 'Llama-3-70B', 4)
    const shape = combineShapes(
      decodeShape({ sequences: 17, contextTokens: 900 }),
      prefillShape({ tokens: 500 }),
    )
    const parts = model.breakdown(shape)
    const sum = parts.layersUs + parts.attentionUs + parts.communicationUs + parts.headUs + parts.hostUs
    expect(sum).toBeCloseTo(parts.totalUs, 6)
    expect(model.stepUs(shape)).toBe(Math.round(parts.totalUs))
    expect(model.tokensPerSecond(shape)).toBeCloseTo((517 * 1e6) / model.stepUs(shape), 6)
  })

  test('never beats the hardware: a step takes at least its arithmetic and its traffic at peak', () => {
    for (const [gpu, name, tp] of configurations) {
      const model = cost(gpu, name, tp, 'none')
      for (const shape of [
        decodeShape({ sequences: 64, contextTokens: 2000 }),
        prefillShape({ tokens: 4096 }),
      ]) {
        const { totalUs, computeUs, memoryUs } = model.breakdown(shape)
        expect(totalUs).toBeGreaterThan(Math.max(computeUs, memoryUs))
      }
    }
  })

  test('knows what bounds a step: decode the memory, prefill the arithmetic', () => {
    const model = cost('H100', 'Llama-3-8B', 1)
    const decode = model.breakdown(decodeShape({ sequences: 8, contextTokens: 1000 }))
    expect(decode.memoryUs).toBeGreaterThan(decode.computeUs)
    const prefill = model.breakdown(prefillShape({ tokens: 4096 }))
    expect(prefill.computeUs).toBeGreaterThan(prefill.memoryUs)
  })

  test('touches few experts with few tokens and nearly all with many', () => {
    const model = cost('H100', 'Qwen3-30B-A3B', 1, 'none')
    const at = (sequences: number) => model.breakdown(decodeShape({ sequences, contextTokens: 100 })).memoryUs
    expect(at(8) / at(1)).toBeGreaterThan(3)
    expect(at(256) / at(128)).toBeLessThan(1.2)
  })

  test('a dense model twice the size takes about twice as long where weights are what is read', () => {
    const small = cost('H100', 'Qwen3-14B', 1, 'none').stepUs(
      decodeShape({ sequences: 1, contextTokens: 10 }),
    )
    const large = cost('H100', 'Qwen3-32B', 1, 'none').stepUs(
      decodeShape({ sequences: 1, contextTokens: 10 }),
    )
    expect(large / small).toBeGreaterThan(1.9)
    expect(large / small).toBeLessThan(2.4)
  })

  test('splits help, with diminishing returns', () => {
    const shape = decodeShape({ sequences: 16, contextTokens: 1000 })
    const us = [1, 2, 4, 8].map((tp) => cost('H200', 'Llama-3-70B', tp).stepUs(shape))
    expect(us[0]).toBeGreaterThan(us[1])
    expect(us[1]).toBeGreaterThan(us[2])
    expect(us[2]).toBeGreaterThan(us[3])
    expect(us[0] / us[3]).toBeLessThan(8)
  })

  test('a window bounds what decode reads', () => {
    const windowed = cost('H100', 'Mistral-7B-v0.1', 1)
    const at = (contextTokens: number) => windowed.stepUs(decodeShape({ sequences: 32, contextTokens }))
    expect(at(8000)).toBe(at(4096))
    expect(at(4096)).toBeGreaterThan(at(2000))
  })

  test('an 8-bit model decodes faster than its 16-bit self, where it is read rather than computed', () => {
    const shape = decodeShape({ sequences: 8, contextTokens: 500 })
    for (const gpu of ['H100', 'A100']) {
      const sixteen = cost(gpu, 'Llama-3.1-70B', 4).stepUs(shape)
      const eight = cost(gpu, 'Llama-3.1-70B-FP8', 4).stepUs(shape)
      expect(eight).toBeLessThan(0.85 * sixteen)
    }
  })

  test('hosts differ by what they add', () => {
    const shape = decodeShape({ sequences: 100, contextTokens: 500 })
    const none = cost('H100', 'Llama-3-8B', 1, 'none').stepUs(shape)
    expect(cost('H100', 'Llama-3-8B', 1, 'vllm-async').stepUs(shape) - none).toBe(300 + 100 * 10)
    expect(cost('H100', 'Llama-3-8B', 1, 'vllm-sync').stepUs(shape) - none).toBe(1500 + 100 * 45)
    const two = cost('H100', 'Llama-3-8B', 2, 'none').stepUs(shape)
    // Two sums in each of 32 layers and one for the embedding table.
    expect(cost('H100', 'Llama-3-8B', 2, 'trtllm').stepUs(shape) - two).toBe(1000 + 100 * 15 + 65 * 25)
    expect(cost('H100', 'Llama-3-8B', 1, 'eager-2023').stepUs(shape)).toBeGreaterThan(2 * none)
  })

  test('a host takes the times it is given, and keeps the rest of its preset', () => {
    const host = withHostTimes(hostPresets['vllm-sync'], { perStepUs: 0 })
    const shape = decodeShape({ sequences: 100, contextTokens: 500 })
    const options = { gpu: knownGpu('H100'), model: knownModel('Llama-3-8B'), tp: 1 }
    const none = createStepCost({ ...options, host: hostPresets.none }).stepUs(shape)
    expect(createStepCost({ ...options, host }).stepUs(shape) - none).toBe(100 * 45)
  })

  test('decodes beside a prompt read their KV once for each query head', () => {
    const decode = decodeShape({ sequences: 64, contextTokens: 4096 })
    const chunk = prefillShape({ tokens: 16 })
    for (const gpu of ['H100', 'RTX-PRO-6000', 'RTX-4090']) {
      const model = cost(gpu, 'Llama-3.1-8B', 1, 'none')
      const apart = model.breakdown(decode).attentionUs + model.breakdown(chunk).attentionUs
      const together = model.breakdown(combineShapes(decode, chunk)).attentionUs
      expect(together / apart, gpu).toBeGreaterThan(1.2)
      expect(together / apart, gpu).toBeLessThan(4)
    }
  })

  test('efficiencies can be replaced in part', () => {
    const options = { gpu: knownGpu('H100'), model: knownModel('Llama-3-8B'), tp: 1, host: hostPresets.none }
    const smallKernels = { perLayer: 100, eachUs: 10 }
    const shape = decodeShape({ sequences: 1, contextTokens: 1 })
    const slower = createStepCost({ ...options, efficiencies: { smallKernels } }).stepUs(shape)
    const added = slower - createStepCost(options).stepUs(shape)
    expect(Math.abs(added - 32 * (1000 - 8))).toBeLessThanOrEqual(1)
  })

  test('never accepts a split the heads do not allow', () => {
    expect(() => cost('H100', 'DeepSeek-R1-Distill-Qwen-7B', 8)).toThrow("can't be split over 8 ranks")
  })
})

const configurations: readonly (readonly [gpu: string, model: string, tp: number])[] = [
  ['H100', 'Llama-3-8B', 1],
  ['H100', 'Llama-3-70B', 4],
  ['A100', 'Qwen3-32B', 2],
  ['H200', 'DeepSeek-R1', 8],
  ['H100', 'Mixtral-8x7B', 2],
  ['L40S', 'Mistral-7B-v0.1', 2],
  ['H100', 'Qwen3-32B-FP8', 2],
]

interface Chunk {
  readonly tokens: number
  readonly computedTokens: number
}

/** A batch from which the sums follow, so that a grown batch is a shape that can occur. */
interface Batch {
  readonly contexts: readonly number[]
  readonly chunks: readonly Chunk[]
}

function shapeOf(batch: Batch): StepShape {
  const parts = [
    ...batch.contexts.map((contextTokens) => decodeShape({ sequences: 1, contextTokens })),
    ...batch.chunks.map(prefillShape),
  ]
  return parts.reduce(combineShapes, emptyShape)
}

/** Sizes spread over magnitudes, so that the knots of every octave are crossed. */
function size(rng: SeededRng, magnitudes: number): number {
  return 1 + rng.int(2 ** (1 + rng.int(magnitudes)))
}

function randomBatch(rng: SeededRng): Batch {
  return {
    contexts: Array.from({ length: rng.int(2 ** (1 + rng.int(9))) }, () => size(rng, 13)),
    chunks: Array.from({ length: rng.int(4) }, () => ({
      tokens: size(rng, 12),
      computedTokens: size(rng, 14) - 1,
    })),
  }
}

/** The same batch with one thing more of it. */
function growths(batch: Batch, rng: SeededRng): readonly Batch[] {
  const { contexts, chunks } = batch
  const grown: Batch[] = [
    { ...batch, contexts: [...contexts, size(rng, 13)] },
    { ...batch, chunks: [...chunks, { tokens: size(rng, 12), computedTokens: size(rng, 14) - 1 }] },
  ]
  if (contexts.length > 0)
    grown.push({ ...batch, contexts: [contexts[0] + size(rng, 13), ...contexts.slice(1)] })
  if (chunks.length > 0) {
    const [first, ...rest] = chunks
    grown.push({ ...batch, chunks: [{ ...first, tokens: first.tokens + size(rng, 10) }, ...rest] })
    grown.push({
      ...batch,
      chunks: [{ ...first, computedTokens: first.computedTokens + size(rng, 14) }, ...rest],
    })
  }
  return grown
}

describe('more work never takes less time', () => {
  for (const [index, [gpu, model, tp]] of configurations.entries()) {
    for (const host of ['none', 'vllm-sync', 'eager-2023'] as const) {
      const seed = 1 + index
      test(`${model} on ${tp} ${gpu}, ${host} (seed ${seed})`, () => {
        const rng = new SeededRng(seed, 'monotone')
        const step = cost(gpu, model, tp, host)
        for (let i = 0; i < 150; i++) {
          const batch = randomBatch(rng)
          const us = step.stepUs(shapeOf(batch))
          expect(Number.isInteger(us)).toBe(true)
          for (const grown of growths(batch, rng)) {
            expect(step.stepUs(shapeOf(grown)), JSON.stringify({ batch, grown })).toBeGreaterThanOrEqual(us)
          }
        }
      })
    }
  }
})
