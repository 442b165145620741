import type { Model } from './model.js'

/** deepseek-ai/*, the full models; their distillations stand with the families they were distilled into. */
export const deepseekModels: readonly Model[] = [
  {
    // The multi-token-prediction layer of the checkpoint is not served and not counted.
    name: 'DeepSeek-R1',
    aliases: ['deepseek-v3', 'deepseek-r1-671b', 'deepseek-v3-671b'],
    layers: 61,
    hiddenSize: 7168,
    attention: {
      kind: 'latent',
      queryHeads: 128,
      queryRank: 1536,
      kvRank: 512,
      plainKeyDim: 128,
      rotaryKeyDim: 64,
      valueDim: 128,
    },
    feedForward: {
      kind: 'experts',
      experts: 256,
      expertsPerToken: 8,
      sharedExperts: 1,
      expertIntermediateSize: 2048,
      leadingDenseLayers: 3,
      denseIntermediateSize: 18_432,
    },
    vocabularySize: 129_280,
    tiedEmbeddings: false,
    contextTokensMax: 163_840,
    weightDtype: 'fp8',
    kvDtype: 'bf16',
  },
]
