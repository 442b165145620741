import { deepseekModels } from './models-deepseek.js'
import { glmModels } from './models-glm.js'
import { llamaModels } from './models-llama.js'
import { mistralModels } from './models-mistral.js'
import { qwenModels } from './models-qwen.js'
import type { Model } from './model.js'

/** Every model known by name. Sources: the config.json of the Hugging Face repository that each entry's alias names. */
export const models: readonly Model[] = [
  ...llamaModels,
  ...qwenModels,
  ...deepseekModels,
  ...mistralModels,
  ...glmModels,
]
