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
]
