import { deepseekModels } from './models-deepseek.js'
import { glmModels } from './models-glm.js'
import { llamaModels } from './models-llama.js'
import { mistralModels } from './models-mistral.js'
import { qwenModels } from './models-qwen.js'
import type { Model } from './model.js'

/** Families, with the organisation on Hugging Face whose config.json files they are from. */
const families: readonly (readonly [organisation: string, models: readonly Model[]])[] = [
  ['meta-llama', llamaModels],
  ['Qwen', qwenModels],
  ['deepseek-ai', deepseekModels],
  ['mistralai', mistralModels],
  ['zai-org', glmModels],
]

/** Every model known by name. */
export const models: readonly Model[] = families.flatMap(([, family]) => family)

/** Where a model's numbers are from: the repository that an alias names, else its family's. */
export function modelSource(model: Model): string {
  const named = model.aliases.find((alias) => alias.includes('/'))
  const organisation = families.find(([, family]) => family.includes(model))?.[0] ?? ''
  return `config.json of ${named ?? `${organisation}/${model.name}`}`
}
