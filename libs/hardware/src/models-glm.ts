import type { Model } from './model.js'
import { dense, groupedQuery, sixteenBit } from './model-parts.js'

const family = { vocabularySize: 151_552, tiedEmbeddings: false, ...sixteenBit }

// The multi-token-prediction layer of the GLM-4.5 checkpoints is not served and not counted.
const large = {
  ...family,
  layers: 92,
  hiddenSize: 5120,
  attention: { ...groupedQuery({ queryHeads: 96, kvHeads: 8 }), qkvBias: true, qkNorm: true },
  feedForward: {
    kind: 'experts',
    experts: 160,
    expertsPerToken: 8,
    sharedExperts: 1,
    expertIntermediateSize: 1536,
    leadingDenseLayers: 3,
    denseIntermediateSize: 12_288,
  },
} as const

/** zai-org/* (formerly THUDM/*). */
export const glmModels: readonly Model[] = [
  { ...large, name: 'GLM-4.5', aliases: ['glm-4.5-355b-a32b', 'glm-4.5-355b'], contextTokensMax: 131_072 },
  { ...large, name: 'GLM-4.6', aliases: ['glm-4.6-355b-a32b'], contextTokensMax: 202_752 },
  { ...large, name: 'GLM-4.7', aliases: ['glm-4.7-355b-a32b'], contextTokensMax: 202_752 },
  {
    ...family,
    name: 'GLM-4.5-Air',
    aliases: ['glm-4.5-106b-a12b', 'glm-4.5-air-106b-a12b'],
    layers: 46,
    hiddenSize: 4096,
    attention: { ...groupedQuery({ queryHeads: 96, kvHeads: 8 }), qkvBias: true },
    feedForward: {
      kind: 'experts',
      experts: 128,
      expertsPerToken: 8,
      sharedExperts: 1,
      expertIntermediateSize: 1408,
      leadingDenseLayers: 1,
      denseIntermediateSize: 10_944,
    },
    contextTokensMax: 131_072,
  },
  {
    ...family,
    name: 'GLM-4-9B',
    aliases: ['THUDM/GLM-4-9B-0414'],
    layers: 40,
    hiddenSize: 4096,
    attention: { ...groupedQuery({ queryHeads: 32, kvHeads: 2 }), qkvBias: true },
    feedForward: dense(13_696),
    contextTokensMax: 32_768,
  },
  {
    ...family,
    name: 'GLM-4-32B',
    aliases: ['THUDM/GLM-4-32B-0414'],
    layers: 61,
    hiddenSize: 6144,
    attention: groupedQuery({ queryHeads: 48, kvHeads: 2 }),
    feedForward: dense(23_040),
    contextTokensMax: 32_768,
  },
]
