/** Every key of experiments in Redis begins with it. */
export const PREFIX = 'kvasir:experiments'

/** Queue of the experiments under way: a job each, the parent of its runs. */
export const EXPERIMENTS = 'experiments'

const RUNS = 'runs-'

/**
 * Queue of the runs of experiments by one version of the code. Workers listen to the queue of their own code: a result of other
 * code is no result.
 * @param code of letters and digits.
 */
export function runsQueue(code: string): string {
  return `${RUNS}${code}`
}

/** A job's id in the queue of experiments: one that is resumed with other code begins anew. */
export function experimentJobId(experiment: string, code: string): string {
  return `${experiment}.${code}`
}

/** A job's id in the queue of runs: of one experiment no run is queued twice. */
export function runJobId(experimentJob: string, run: string): string {
  return `${experimentJob}.${run}`
}

/** Where what a run came to lies until it is collected. */
export function outcomeKey(runJob: string): string {
  return `${PREFIX}:outcome:${runJob}`
}

/** Is there when nobody wants an experiment's runs any more. */
export function cancelledKey(experimentJob: string): string {
  return `${PREFIX}:cancelled:${experimentJob}`
}

/** On which workers are told ids of experiments that are cancelled. */
export const CANCELLED_CHANNEL = `${PREFIX}:cancelled`
