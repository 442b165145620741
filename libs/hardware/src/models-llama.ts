import type { Model } from './model.js'
import { dense, groupedQuery, sixteenBit } from './model-parts.js'

const eightBillion = {
  layers: 32,
  hiddenSize: 4096,
  attention: groupedQuery({ queryHeads: 32, kvHeads: 8 }),
  feedForward: dense(14_336),
  vocabularySize: 128_256,
  tiedEmbeddings: false,
  ...sixteenBit,
}

const seventyBillion = {
  layers: 80,
  hiddenSize: 8192,
  attention: groupedQuery({ queryHeads: 64, kvHeads: 8 }),
  feedForward: dense(28_672),
  vocabularySize: 128_256,
  tiedEmbeddings: false,
  ...sixteenBit,
}

/** meta-llama/* and what was distilled into these shapes. */
export const llamaModels: readonly Model[] = [
  {
    ...eightBillion,
    name: 'Llama-3-8B',
    aliases: ['meta-llama/Meta-Llama-3-8B'],
    contextTokensMax: 8192,
  },
  {
    ...eightBillion,
    name: 'Llama-3.1-8B',
    aliases: ['meta-llama/Meta-Llama-3.1-8B'],
    contextTokensMax: 131_072,
  },
  {
    ...seventyBillion,
    name: 'Llama-3-70B',
    aliases: ['meta-llama/Meta-Llama-3-70B'],
    contextTokensMax: 8192,
  },
  {
    ...seventyBillion,
    name: 'Llama-3.1-70B',
    aliases: ['meta-llama/Meta-Llama-3.1-70B', 'meta-llama/Llama-3.3-70B'],
    contextTokensMax: 131_072,
  },
  {
    // Distilled into Llama-3.3-70B: the same config.json.
    ...seventyBillion,
    name: 'DeepSeek-R1-Distill-Llama-70B',
    aliases: ['r1-distill-llama-70b'],
    contextTokensMax: 131_072,
  },
  {
    ...seventyBillion,
    name: 'Llama-2-70B',
    aliases: ['meta-llama/Llama-2-70b-hf'],
    vocabularySize: 32_000,
    contextTokensMax: 4096,
  },
  {
    name: 'Llama-3.1-405B',
    aliases: ['meta-llama/Meta-Llama-3.1-405B'],
    layers: 126,
    hiddenSize: 16_384,
    attention: groupedQuery({ queryHeads: 128, kvHeads: 8 }),
    feedForward: dense(53_248),
    vocabularySize: 128_256,
    tiedEmbeddings: false,
    contextTokensMax: 131_072,
    ...sixteenBit,
  },
]
