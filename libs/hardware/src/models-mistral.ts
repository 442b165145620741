import type { Model } from './model.js'
import { dense, groupedQuery, sixteenBit } from './model-parts.js'

const sevenBillion = {
  layers: 32,
  hiddenSize: 4096,
  attention: groupedQuery({ queryHeads: 32, kvHeads: 8 }),
  feedForward: dense(14_336),
  tiedEmbeddings: false,
  contextTokensMax: 32_768,
  ...sixteenBit,
}

/** mistralai/*. */
export const mistralModels: readonly Model[] = [
  {
    // v0.3; v0.2 differs in the vocabulary only.
    ...sevenBillion,
    name: 'Mistral-7B',
    aliases: ['mistralai/Mistral-7B-v0.3', 'mistralai/Mistral-7B-Instruct-v0.3'],
    vocabularySize: 32_768,
  },
  {
    ...sevenBillion,
    name: 'Mistral-7B-v0.1',
    aliases: ['mistralai/Mistral-7B-Instruct-v0.1'],
    attention: { ...sevenBillion.attention, slidingWindowTokens: 4096 },
    vocabularySize: 32_000,
  },
  {
    ...sevenBillion,
    name: 'Mixtral-8x7B',
    aliases: ['mistralai/Mixtral-8x7B-v0.1', 'mistralai/Mixtral-8x7B-Instruct-v0.1'],
    feedForward: {
      kind: 'experts',
      experts: 8,
      expertsPerToken: 2,
      sharedExperts: 0,
      expertIntermediateSize: 14_336,
      leadingDenseLayers: 0,
      denseIntermediateSize: 0,
    },
    vocabularySize: 32_000,
  },
  {
    name: 'Mixtral-8x22B',
    aliases: ['mistralai/Mixtral-8x22B-v0.1', 'mistralai/Mixtral-8x22B-Instruct-v0.1'],
    layers: 56,
    hiddenSize: 6144,
    attention: groupedQuery({ queryHeads: 48, kvHeads: 8 }),
    feedForward: {
      kind: 'experts',
      experts: 8,
      expertsPerToken: 2,
      sharedExperts: 0,
      expertIntermediateSize: 16_384,
      leadingDenseLayers: 0,
      denseIntermediateSize: 0,
    },
    vocabularySize: 32_768,
    tiedEmbeddings: false,
    contextTokensMax: 65_536,
    ...sixteenBit,
  },
  {
    // Heads of 128, not of hiddenSize / queryHeads.
    name: 'Mistral-Nemo-12B',
    aliases: ['mistralai/Mistral-Nemo-Instruct-2407', 'mistralai/Mistral-Nemo-Base-2407', 'Mistral-Nemo'],
    layers: 40,
    hiddenSize: 5120,
    attention: groupedQuery({ queryHeads: 32, kvHeads: 8 }),
    feedForward: dense(14_336),
    vocabularySize: 131_072,
    tiedEmbeddings: false,
    contextTokensMax: 131_072,
    ...sixteenBit,
  },
]
