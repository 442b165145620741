import type { LengthsSpec, ScenarioInput, SimulatedSummary } from '@kvasir/contracts'
import { engineMemory, type HostPresetName, kvGeometry, pagesPerBundleFor } from '@kvasir/hardware'
import { MICROS_PER_SECOND } from '@kvasir/kernel'
import { requestsOf, Simulation, userGroupsOf } from '@kvasir/simulation'
import { BadInput } from '../bad-input.js'
import { noFiles, planOf, serveScenario } from '../serving/serve-scenario.js'
import type { Serving } from './served-model.js'

export interface CapacityQuestion {
  readonly serving: Serving
  readonly host: HostPresetName
  readonly stepTokenLimit: number
  readonly sequenceLimit: number
  /** KV blocks in place of what fits. */
  readonly numGpuBlocks: number | undefined
  readonly prompt: LengthsSpec
  readonly output: LengthsSpec
  /** Requests per second to judge. */
  readonly ratePerS: number | undefined
}

export interface CapacityAnswer {
  readonly memory: MemoryAnswer
  /** Tokens of a request on average, as drawn. */
  readonly promptTokensMean: number
  readonly outputTokensMean: number
  /** Sequences of mean length at half their output that fit at once, at most the sequence limit. */
  readonly largestBatch: number
  /** The largest rate at which the queue does not grow. */
  readonly capacity: { readonly requestsPerS: number; readonly outputTokensPerS: number }
  /** Requests per second while the queue never empties: less, where sequences stop each other for memory. */
  readonly overloadedRequestsPerS: number
  readonly atRate?: RateAnswer
}

export interface MemoryAnswer {
  readonly blocks: number
  readonly tokens: number
  readonly bundles: number
  readonly usableBytesPerRank: number
  readonly weightBytesPerRank: number
  readonly activationBytesPerRank: number
  readonly runtimeBytesPerRank: number
}

export interface RateAnswer {
  readonly ratePerS: number
  /** Rate over capacity. */
  readonly load: number
  readonly ttftMs: { readonly mean: number; readonly p99: number }
  readonly tpotMs: { readonly mean: number; readonly p99: number }
  readonly e2eMs: { readonly mean: number; readonly p99: number }
}

const BLOCK_SIZE = 16
const MODEL = 'model'
const GROUP = 'group'
/** Requests of an overloaded run that end before counting begins, and that are counted, for each user. */
const WARM_UP = 2
const COUNTED = 2
/** Requests of a run that tries a rate: several times what is under way at once. */
const TRIED_PER_BATCH = 6
const TRIED_MIN = 1000
/** A rate is sustained when no more than this is under way at the end of its run over what was half way. */
const GROWTH_ALLOWED = 1.15
const STEP_UP = 1.3
const PRECISION = 0.01
/** Between two looks: a few steps. */
const EVENTS_PER_SLICE = 10
/** Requests of the run at a given rate. */
const RATE_REQUESTS = 2000

/**
 * What an engine alone on its group can serve. The largest sustainable rate is found by bisection over runs of the engine's own
 * scheduler in the simulator, at constant gaps: a steady state of the step model would have to guess what batches the scheduler
 * makes of prompts and memory, and the throughput of a queue that never empties is not it, because an overloaded engine preempts.
 * @throws {BadInput} when it does not fit.
 */
export function predictCapacity(question: CapacityQuestion): CapacityAnswer {
  const memory = memoryOf(question)
  const { blocks } = memory
  const overloaded = overload(question, memory)
  const { promptTokensMean, outputTokensMean } = overloaded
  const perSequence = Math.ceil((promptTokensMean + outputTokensMean / 2) / BLOCK_SIZE)
  const largestBatch = Math.min(question.sequenceLimit, Math.floor(blocks / perSequence))
  const tried = Math.max(TRIED_MIN, TRIED_PER_BATCH * largestBatch)
  const sustained = largestRate(overloaded.requestsPerS, (rate) => isSustained(question, blocks, rate, tried))
  // Close to the capacity batches take long to settle, and a rate that is served looks as if its queue grew.
  const requestsPerS = Math.max(sustained, overloaded.requestsPerS)
  const { ratePerS } = question
  const answer = {
    memory,
    promptTokensMean,
    outputTokensMean,
    largestBatch,
    capacity: { requestsPerS, outputTokensPerS: requestsPerS * outputTokensMean },
    overloadedRequestsPerS: overloaded.requestsPerS,
  }
  return ratePerS === undefined
    ? answer
    : { ...answer, atRate: serveAt(question, blocks, ratePerS, requestsPerS) }
}

/** The largest rate that is sustained, from a guess. */
function largestRate(guess: number, sustained: (ratePerS: number) => boolean): number {
  let high = guess
  while (sustained(high)) high *= STEP_UP
  let low = high / STEP_UP
  while (high === guess && !sustained(low)) low /= STEP_UP
  while (high / low > 1 + PRECISION) {
    const middle = Math.sqrt(low * high)
    if (sustained(middle)) low = middle
    else high = middle
  }
  return low
}

function isSustained(
  question: CapacityQuestion,
  blocks: number,
  ratePerS: number,
  requests: number,
): boolean {
  const simulation = simulationOf(scenarioOf(question, blocks, { kind: 'constant', ratePerS }, requests))
  const underWayAt = (submitted: number) => {
    for (let over = false; !over && simulation.requests.submitted < submitted; )
      over = simulation.run(EVENTS_PER_SLICE)
    return simulation.requests.submitted - endedOf(simulation)
  }
  const halfWay = underWayAt(requests / 2)
  // Before the last one: with nothing left to come the queue empties.
  return underWayAt(requests - 1) <= GROWTH_ALLOWED * halfWay + 1
}

function memoryOf({ serving, stepTokenLimit, sequenceLimit, numGpuBlocks }: CapacityQuestion): MemoryAnswer {
  const { gpu, model, tp } = serving
  const memory = engineMemory({
    gpu,
    model,
    tp,
    blockSize: BLOCK_SIZE,
    stepTokenLimit,
    sequenceLimit,
    ...(numGpuBlocks === undefined ? {} : { numGpuBlocks }),
  })
  if (memory.kind === 'refused') {
    const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1)
    throw new BadInput(
      memory.reason === 'no_memory_for_kv'
        ? `--model ${model.name} on --tp ${tp} ${gpu.name}: it needs ${gigabytes(memory.neededBytesPerRank)} GB on each GPU, of ${gigabytes(memory.usableBytesPerRank)} GB usable; take a larger tp or GPU, or a smaller dtype`
        : `--tp is ${tp}; it must divide the heads of ${model.name}`,
    )
  }
  const pagesPerBundle = pagesPerBundleFor([model], tp, BLOCK_SIZE)
  const geometry = kvGeometry({ model, tp, blockSize: BLOCK_SIZE, pagesPerBundle })
  const {
    blocks,
    tokens,
    usableBytesPerRank,
    weightBytesPerRank,
    activationBytesPerRank,
    runtimeBytesPerRank,
  } = memory
  return {
    blocks,
    tokens,
    bundles: geometry.kind === 'fits' ? Math.floor(blocks / geometry.blocksPerBundle) : 0,
    usableBytesPerRank,
    weightBytesPerRank,
    activationBytesPerRank,
    runtimeBytesPerRank,
  }
}

function overload(question: CapacityQuestion, { blocks, tokens }: MemoryAnswer) {
  // A user needs one token of KV at the very least: more users would only wait.
  const users = Math.max(2, Math.min(2 * question.sequenceLimit, tokens))
  const requests = (WARM_UP + COUNTED + 2) * users
  const simulation = simulationOf(scenarioOf(question, blocks, { kind: 'closed-loop', users }, requests))
  const runUntil = (ended: number) => {
    for (let over = false; !over && endedOf(simulation) < ended; ) over = simulation.run(EVENTS_PER_SLICE)
    return { ended: endedOf(simulation), atUs: simulation.nowUs }
  }
  const from = runUntil(WARM_UP * users)
  const to = runUntil((WARM_UP + COUNTED) * users)
  const summary = simulation.result().summary
  if (summary.requests.finished === 0)
    throw new BadInput(
      `no request of this length can be served: ${JSON.stringify(summary.requests.rejectedBy)}; take shorter ones or more memory`,
    )
  return {
    requestsPerS: ((to.ended - from.ended) * MICROS_PER_SECOND) / (to.atUs - from.atUs),
    promptTokensMean: summary.tokens.prompt / summary.requests.finished,
    outputTokensMean: summary.tokens.output / summary.requests.finished,
  }
}

function simulationOf(input: ScenarioInput): Simulation {
  const { scenario, plan } = planOf(input)
  return new Simulation(plan, {
    requests: requestsOf(scenario, [], noFiles),
    users: userGroupsOf(scenario, noFiles),
  })
}

function endedOf({ requests }: Simulation): number {
  return requests.finished + requests.rejected
}

function serveAt(
  question: CapacityQuestion,
  blocks: number,
  ratePerS: number,
  capacityPerS: number,
): RateAnswer {
  const input = scenarioOf(question, blocks, { kind: 'poisson', ratePerS }, RATE_REQUESTS)
  const summary = serveScenario(input)
  return {
    ratePerS,
    load: ratePerS / capacityPerS,
    ttftMs: millisOf(summary, 'ttftUs'),
    tpotMs: millisOf(summary, 'tpotUs'),
    e2eMs: millisOf(summary, 'e2eUs'),
  }
}

function millisOf(summary: SimulatedSummary, member: 'ttftUs' | 'tpotUs' | 'e2eUs') {
  const { mean, p99 } = summary[member]
  return { mean: (mean ?? 0) / 1000, p99: (p99 ?? 0) / 1000 }
}

type Arrivals = NonNullable<NonNullable<ScenarioInput['workload']['generators']>[number]>['arrivals']

function scenarioOf(
  { serving, host, stepTokenLimit, sequenceLimit, prompt, output }: CapacityQuestion,
  numGpuBlocks: number,
  arrivals: Arrivals,
  requests: number,
): ScenarioInput {
  const { gpu, model, tp } = serving
  return {
    name: 'capacity',
    policy: 'static',
    cluster: { groups: [{ id: GROUP, gpu: gpu.name, tp }] },
    models: [{ name: MODEL, architecture: model.name, pools: [GROUP] }],
    engine: {
      host,
      stepTokenLimit,
      sequenceLimit,
      numGpuBlocks,
      prefixCaching: false,
      dtype: model.weightDtype,
      kvDtype: model.kvDtype,
    },
    workload: { generators: [{ model: MODEL, arrivals, lengths: { prompt, output }, requests }] },
  }
}
