import { validateClosedLoops } from './closed-loop-sets.js'
import type { MeasuredFolder } from './measured-folder.js'
import { validateOnline } from './online-sets.js'
import { validateRequestRuns } from './request-runs.js'
import type { SetReport } from './serving-accuracy.js'

const sources = [
  { table: 'aic_e2e_silicon_hopper', validate: validateClosedLoops },
  { table: 'llmservingsim_vllm_requests', validate: validateRequestRuns },
  { table: 'trtllm_online_serving', validate: validateOnline },
] as const

/** Every measured serving run that the folder has, predicted end to end by the scheduler in the simulator. About a minute. */
export function validateServing(
  folder: MeasuredFolder,
  progress: (line: string) => void,
): readonly SetReport[] {
  return sources.flatMap(({ table, validate }) =>
    folder.has(table) ? validate(folder.table(table), progress) : [],
  )
}
