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

const llama2 = { vocabularySize: 32_000, tiedEmbeddings: false, contextTokensMax: 4096, ...sixteenBit }

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
    ...llama2,
    name: 'Llama-2-7B',
    aliases: ['meta-llama/Llama-2-7b-hf'],
    layers: 32,
    hiddenSize: 4096,
    attention: groupedQuery({ queryHeads: 32, kvHeads: 32 }),
    feedForward: dense(11_008),
  },
  {
    ...llama2,
    name: 'Llama-2-13B',
    aliases: ['meta-llama/Llama-2-13b-hf'],
    layers: 40,
    hiddenSize: 5120,
    attention: groupedQuery({ queryHeads: 40, kvHeads: 40 }),
    feedForward: dense(13_824),
  },
  {
    ...llama2,
    name: 'CodeLlama-34B',
    aliases: ['codellama/CodeLlama-34b-Instruct-hf', 'codellama/CodeLlama-34b-hf'],
    layers: 48,
    hiddenSize: 8192,
    attention: groupedQuery({ queryHeads: 64, kvHeads: 8 }),
    feedForward: dense(22_016),
    contextTokensMax: 16_384,
  },
  {
    // Llama's shape and code.
    name: 'Yi-34B',
    aliases: ['01-ai/Yi-34B', '01-ai/Yi-34B-Chat', '01-ai/Yi-1.5-34B'],
    layers: 60,
    hiddenSize: 7168,
    attention: groupedQuery({ queryHeads: 56, kvHeads: 8 }),
    feedForward: dense(20_480),
    vocabularySize: 64_000,
    tiedEmbeddings: false,
    contextTokensMax: 4096,
    ...sixteenBit,
  },
  {
    // The language model. Three of four layers attend within chunks of 8,192 tokens, which is left out: it matters beyond them only.
    name: 'Llama-4-Scout',
    aliases: ['meta-llama/Llama-4-Scout-17B-16E', 'RedHatAI/Llama-4-Scout-17B-16E-Instruct'],
    layers: 48,
    hiddenSize: 5120,
    attention: groupedQuery({ queryHeads: 40, kvHeads: 8 }),
    feedForward: {
      kind: 'experts',
      experts: 16,
      expertsPerToken: 1,
      sharedExperts: 1,
      expertIntermediateSize: 8192,
      leadingDenseLayers: 0,
      denseIntermediateSize: 0,
    },
    vocabularySize: 202_048,
    tiedEmbeddings: false,
    contextTokensMax: 10_485_760,
    ...sixteenBit,
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
