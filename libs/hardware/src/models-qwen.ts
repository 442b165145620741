import type { Model } from './model.js'
import { dense, groupedQuery, sixteenBit } from './model-parts.js'

const qwen3 = { vocabularySize: 151_936, tiedEmbeddings: false, contextTokensMax: 40_960, ...sixteenBit }
const distilled = { vocabularySize: 152_064, tiedEmbeddings: false, contextTokensMax: 131_072, ...sixteenBit }

function qwen3Attention(heads: { readonly queryHeads: number; readonly kvHeads: number }) {
  return { ...groupedQuery(heads), qkNorm: true }
}

function qwen2Attention(heads: { readonly queryHeads: number; readonly kvHeads: number }) {
  return { ...groupedQuery(heads), qkvBias: true }
}

const qwen2 = { vocabularySize: 152_064, tiedEmbeddings: false, contextTokensMax: 32_768, ...sixteenBit }

/** Qwen/* and DeepSeek's distillations into Qwen2.5. */
export const qwenModels: readonly Model[] = [
  {
    ...qwen3,
    name: 'Qwen3-8B',
    aliases: [],
    layers: 36,
    hiddenSize: 4096,
    attention: qwen3Attention({ queryHeads: 32, kvHeads: 8 }),
    feedForward: dense(12_288),
  },
  {
    ...qwen3,
    name: 'Qwen3-14B',
    aliases: [],
    layers: 40,
    hiddenSize: 5120,
    attention: qwen3Attention({ queryHeads: 40, kvHeads: 8 }),
    feedForward: dense(17_408),
  },
  {
    ...qwen3,
    name: 'Qwen3-32B',
    aliases: [],
    layers: 64,
    hiddenSize: 5120,
    attention: qwen3Attention({ queryHeads: 64, kvHeads: 8 }),
    feedForward: dense(25_600),
  },
  {
    ...qwen3,
    name: 'Qwen3-30B-A3B',
    aliases: ['qwen3-30b', 'qwen3-30b-a3b-instruct-2507'],
    layers: 48,
    hiddenSize: 2048,
    attention: qwen3Attention({ queryHeads: 32, kvHeads: 4 }),
    feedForward: qwen3Experts(768),
  },
  {
    ...qwen3,
    name: 'Qwen3-235B-A22B',
    aliases: ['qwen3-235b'],
    layers: 94,
    hiddenSize: 4096,
    attention: qwen3Attention({ queryHeads: 64, kvHeads: 4 }),
    feedForward: qwen3Experts(1536),
  },
  {
    ...qwen2,
    name: 'Qwen2.5-7B',
    aliases: [],
    layers: 28,
    hiddenSize: 3584,
    attention: qwen2Attention({ queryHeads: 28, kvHeads: 4 }),
    feedForward: dense(18_944),
  },
  {
    ...qwen2,
    name: 'Qwen2.5-14B',
    aliases: [],
    layers: 48,
    hiddenSize: 5120,
    attention: qwen2Attention({ queryHeads: 40, kvHeads: 8 }),
    feedForward: dense(13_824),
  },
  {
    ...qwen2,
    name: 'Qwen2.5-32B',
    aliases: [],
    layers: 64,
    hiddenSize: 5120,
    attention: qwen2Attention({ queryHeads: 40, kvHeads: 8 }),
    feedForward: dense(27_648),
  },
  {
    ...qwen2,
    name: 'Qwen2.5-72B',
    aliases: [],
    layers: 80,
    hiddenSize: 8192,
    attention: qwen2Attention({ queryHeads: 64, kvHeads: 8 }),
    feedForward: dense(29_568),
  },
  {
    ...distilled,
    name: 'DeepSeek-R1-Distill-Qwen-7B',
    aliases: ['r1-distill-qwen-7b'],
    layers: 28,
    hiddenSize: 3584,
    attention: qwen2Attention({ queryHeads: 28, kvHeads: 4 }),
    feedForward: dense(18_944),
  },
  {
    ...distilled,
    name: 'DeepSeek-R1-Distill-Qwen-14B',
    aliases: ['r1-distill-qwen-14b'],
    layers: 48,
    hiddenSize: 5120,
    attention: qwen2Attention({ queryHeads: 40, kvHeads: 8 }),
    feedForward: dense(13_824),
  },
  {
    ...distilled,
    name: 'DeepSeek-R1-Distill-Qwen-32B',
    aliases: ['r1-distill-qwen-32b'],
    layers: 64,
    hiddenSize: 5120,
    attention: qwen2Attention({ queryHeads: 40, kvHeads: 8 }),
    feedForward: dense(27_648),
  },
]

function qwen3Experts(expertIntermediateSize: number) {
  return {
    kind: 'experts',
    experts: 128,
    expertsPerToken: 8,
    sharedExperts: 0,
    expertIntermediateSize,
    leadingDenseLayers: 0,
    denseIntermediateSize: 0,
  } as const
}
