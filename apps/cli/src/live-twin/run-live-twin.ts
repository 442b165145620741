import { availableParallelism, loadavg } from 'node:os'
import type { Scenario } from '@kvasir/contracts'
import {
  compareTwins,
  judgeTwins,
  type PathCost,
  type Quiet,
  type TwinSide,
  type TwinSides,
  variedCosts,
} from '@kvasir/experiment'
import { secondsToMicros, SeededRng } from '@kvasir/kernel'
import { sloLimits } from '@kvasir/metrics'
import type { TwinRun } from '@kvasir/report'
import type { RequestRecord } from '@kvasir/workload'
import { BadInput } from '../bad-input.js'
import { ClusterTrouble } from '../live/cluster-trouble.js'
import {
  bothMeasured,
  type CalibrationPlace,
  measurePath,
  type Occasion,
  pathCostsOf,
} from './calibrate-path.js'
import { DecisionsMeanwhile, takenAgain } from './decisions-meanwhile.js'
import { LoopWatch } from './loop-watch.js'
import { type LivePlace, type PlayedSide, playSide, STOPPED } from './play-side.js'
import { simulateSide } from './simulate-side.js'
import { openCluster, type TwinCluster, type TwinTarget } from './twin-cluster.js'
import {
  afterCalibration,
  calibrationOf,
  type CalibrationPlan,
  type CalibrationSize,
  sentLate,
  twinRequests,
} from './twin-requests.js'
import {
  bareScenario,
  inMotion,
  planOf,
  scenarioInMotion,
  scenarioWithPath,
  twinProblems,
} from './twin-scenario.js'

export interface LiveTwinOptions {
  readonly scenario: Scenario
  /** Where relative paths of the scenario start. */
  readonly folder: string
  readonly target: TwinTarget
  /** How many times faster than the modelled GPUs the groups run; below 1: slow motion. */
  readonly speed: number
  readonly calibration: CalibrationSize
  /** Simulations more, with costs and moments that could have been measured as well. */
  readonly variations: number
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

/** A scenario in real time and in virtual time, side by side. */
export type LiveTwin = Omit<TwinRun, 'label'>

/** What is measured before the scenario and after it: a dozen requests of each model settle a median within a few percent. */
export const CALIBRATION: CalibrationSize = { warm: 8, alone: 12, together: 8, outputTokens: 24, steps: 200 }
/** Enough for a range, at a second or two each. */
export const VARIATIONS = 8
/** How late a request is sent where timers are of whole milliseconds, real microseconds. */
const SENT_LATE_US = 1_000

/**
 * Plays a scenario against a live cluster and simulates the same requests, without and with what the live path was measured to take.
 * @throws {BadInput} for scenarios that cannot be played live. @throws {ClusterTrouble} when the cluster does not serve.
 */
export async function runLiveTwin(options: LiveTwinOptions): Promise<LiveTwin> {
  const { scenario, folder, target, speed, signal, say } = options
  const problems = twinProblems(scenario)
  if (problems.length > 0) throw new BadInput(problems)
  const bare = bareScenario(scenario)
  const requests = await twinRequests(bare, folder)
  const plan = planOf(bare)
  const cluster = await openCluster(target, {
    scenario: scenarioInMotion(bare, speed),
    plan: inMotion(plan, speed),
    speed,
    say,
  })
  try {
    const place: LivePlace = { url: cluster.gateway, plan, speed, signal }
    const names = plan.models.map(({ name }) => name)
    const calibration = calibrationOf(requests, names, options.calibration)
    const { steps } = options.calibration
    const measure = (occasion: Occasion) =>
      measurePath(calibrationPlace(cluster, place, occasion), calibration, steps)
    say('measuring the idle cluster')
    const watch = new LoopWatch()
    const before = await measure('before')
    const idleLagUs = watch.stop().lagUs
    const live = await playLive(cluster, place, requests, { scenario, say })
    // Programs become faster as they run, and machines have moods: what is played lies between both.
    say('measuring the idle cluster again')
    const costs = pathCostsOf(bothMeasured(before, await measure('after')), bare)
    return compared({ ...options, bare, calibration, requests, costs, idleLagUs, ...live })
  } finally {
    say('stopping the live side')
    await cluster.stop()
  }
}

function calibrationPlace(
  { client, groupAddress }: TwinCluster,
  gateway: LivePlace,
  occasion: Occasion,
): CalibrationPlace {
  const { models, engines } = gateway.plan
  return {
    occasion,
    gateway,
    engineUrl: async (model) =>
      (await client.engines()).find((engine) => engine.model === model && engine.url !== undefined)?.url,
    groupOf: (name) => {
      const model = models.find((candidate) => candidate.name === name)
      const engine = engines.find((candidate) => candidate.model === name)
      const address = engine && groupAddress(engine.pool)
      return model && engine && address !== undefined ? { address, engine, model } : undefined
    },
  }
}

interface PlayedLive {
  readonly played: PlayedSide
  readonly decisions: TwinSides['live']['decisions']
  readonly quiet: ReturnType<LoopWatch['stop']>
}

/** The scenario's own requests, in real time. @throws {ClusterTrouble} when it was stopped. */
async function playLive(
  cluster: TwinCluster,
  place: LivePlace,
  requests: readonly RequestRecord[],
  { scenario, say }: Pick<LiveTwinOptions, 'scenario' | 'say'>,
): Promise<PlayedLive> {
  const spanS = (requests.at(-1)?.arrivalUs ?? 0) / 1e6 / place.speed
  say(`playing ${requests.length} requests of ${scenario.name} for ${Math.ceil(spanS)} s at ${place.url}`)
  const decisions = await DecisionsMeanwhile.from(cluster.client)
  const watch = new LoopWatch()
  const played = await playSide({ ...place, signal: endSignal(scenario, place) }, requests)
  const quiet = watch.stop()
  if (place.signal.aborted) throw new ClusterTrouble(STOPPED)
  return { played, decisions: await decisions.untilNow(), quiet }
}

/** Aborted when the run is to stop, or is stopped. */
function endSignal({ stopAtS }: Scenario, { speed, signal }: LivePlace): AbortSignal {
  if (stopAtS === undefined) return signal
  return AbortSignal.any([signal, AbortSignal.timeout((stopAtS * 1_000) / speed)])
}

interface Played extends PlayedLive, Pick<LiveTwinOptions, 'scenario' | 'speed' | 'variations' | 'say'> {
  readonly bare: Scenario
  readonly calibration: readonly CalibrationPlan[]
  readonly requests: readonly RequestRecord[]
  readonly costs: readonly PathCost[]
  readonly idleLagUs: Quiet['idleLagUs']
}

function compared({ scenario, bare, calibration, requests, costs, speed, ...live }: Played): LiveTwin {
  live.say(`simulating the same, ${2 + live.variations} times`)
  const ids = new Set(requests.map(({ id }) => id))
  const simulate = (side: Scenario, asked: readonly RequestRecord[]): TwinSide => {
    const { all, beginUs } = afterCalibration(calibration, asked)
    const untilUs = scenario.stopAtS === undefined ? undefined : beginUs + secondsToMicros(scenario.stopAtS)
    const simulated = simulateSide(planOf(side), all, { beginUs, untilUs })
    return { ...simulated, requests: simulated.requests.filter(({ id }) => ids.has(id)) }
  }
  const sides: TwinSides = {
    live: { requests: live.played.requests, decisions: live.decisions },
    simulated: simulate(scenarioWithPath(bare, costs), requests),
    bare: simulate(bare, requests),
    varied: Array.from({ length: live.variations }, (_, i) => {
      const rng = new SeededRng(i, 'live twin')
      return simulate(
        scenarioWithPath(bare, variedCosts(costs, rng)),
        sentLate(requests, rng, SENT_LATE_US * speed),
      )
    }),
  }
  const limits = new Map(
    scenario.models.map((model) => [model.name, sloLimits({ ...scenario.slo, ...model.slo })]),
  )
  const comparison = compareTwins(sides, limits)
  const quiet = { ...live.quiet, idleLagUs: live.idleLagUs, speed }
  return {
    sides,
    costs,
    comparison,
    verdict: judgeTwins(comparison, quiet),
    quiet,
    takenAgain: takenAgain(live.decisions),
    sentLateUs: live.played.sentLateUs,
    load: [loadavg()[0], availableParallelism()],
  }
}
