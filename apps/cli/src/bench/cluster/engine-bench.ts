import { setTimeout as sleep } from 'node:timers/promises'
import {
  type EngineDocument,
  type EngineMessage,
  engineTermsSchema,
  type PoolSettings,
  poolSettingsSchema,
} from '@kvasir/contracts'
import { SimulatedGroup, StepCosts } from '@kvasir/devices'
import { knownGpu, knownModel } from '@kvasir/hardware'
import { SyntheticContent } from '@kvasir/kv-cache'
import { type ActorStore, EngineDriver } from '@kvasir/platform'
import { makeEngine, servedPlan, stepCostOf } from '@kvasir/simulation'

const BATCH = 256
/** Steps that are not counted: until everything that a step runs is compiled. */
const WARM_UP = 3_000
/** Of each sequence. */
const PROMPT_TOKENS = 64
/** Steps for which sequences last beyond those that are counted. */
const SPARE_STEPS = 200
const POOL = { id: 'bench', gpu: 'H100', tp: 1, pagesPerBundle: 4 }
/** KV of 16 tokens of this model in each of four blocks. */
const TOKENS_PER_BUNDLE = 64
/** Of modelled time: a step is over before the process has looked. */
const SPEED_UP = 1e6

export interface LoopTimes {
  readonly batch: number
  readonly steps: number
  /** Everything between two steps: scheduling, memory, tokens to their listeners, the device's bookkeeping. CPU, microseconds. */
  readonly cpuUsEach: number
  readonly wallUsEach: number
}

/**
 * What a step costs an engine beside its arithmetic: a device on which arithmetic takes no time, and with memory enough for all
 * sequences to their end, for one that was stopped would leave its place in every step empty.
 */
export async function loopBench(steps: number): Promise<LoopTimes> {
  const gpu = knownGpu(POOL.gpu)
  const costs = new StepCosts(gpu, POOL.tp)
  const outputTokens = WARM_UP + steps + SPARE_STEPS
  const bundles = BATCH * Math.ceil((PROMPT_TOKENS + outputTokens) / TOKENS_PER_BUNDLE + 1)
  const machine = { bundles, arbitration: 'claims', gpu } as const
  const device = new SimulatedGroup({ machine, costOf: (open) => costs.of(open), speedUp: SPEED_UP })
  const settings = poolSettingsSchema.parse({})
  const driver = engineOn(device, { settings, bundles })
  let counted = 0
  let began: { readonly ms: number; readonly cpu: NodeJS.CpuUsage } | undefined
  try {
    await driver.start()
    while (!driver.ready) await sleep(10)
    return await new Promise((resolve) => {
      const tokens = (): void => {
        if (driver.unfinished < BATCH) return
        counted++
        // Every sequence of a step brings a token: so many make a step.
        if (counted === BATCH * WARM_UP) began = { ms: performance.now(), cpu: process.cpuUsage() }
        if (counted !== BATCH * (WARM_UP + steps) || !began) return
        const { user, system } = process.cpuUsage(began.cpu)
        const wallMs = performance.now() - began.ms
        resolve({
          batch: BATCH,
          steps,
          cpuUsEach: (user + system) / steps,
          wallUsEach: (1_000 * wallMs) / steps,
        })
      }
      for (let i = 0; i < BATCH; i++)
        driver.submit(sequence(i, outputTokens), { tokens, finished, refused, ended })
    })
  } finally {
    await driver.stop()
    device.close()
  }
}

const finished = () => undefined
const ended = () => undefined
const refused = (reason: string) => {
  throw new Error(`the engine of the bench refuses a sequence: ${reason}`)
}

function sequence(i: number, outputTokens: number) {
  return {
    id: `s${i}`,
    promptTokens: PROMPT_TOKENS,
    maxOutputTokens: outputTokens,
    priority: 0,
    arrivalUs: 0,
    content: new SyntheticContent({ uniqueSeed: i + 1 }),
  }
}

function engineOn(
  device: SimulatedGroup,
  { settings, bundles }: { readonly settings: PoolSettings; readonly bundles: number },
): EngineDriver {
  const pool = { ...POOL, bundles }
  const plan = servedPlan({
    name: 'bench',
    model: knownModel('Llama-3.1-8B'),
    terms: engineTermsSchema.parse({}),
    slo: { ttftUs: undefined, tpotUs: undefined, e2eUs: undefined },
    engine: {},
    pools: [pool],
    shared: true,
  })
  const parts = {
    engine: 'e',
    model: plan,
    pool,
    policy: 'weighted-max-min',
    settings,
    share: 1,
  } as const
  const cost = stepCostOf(plan, pool)
  return new EngineDriver({
    engine: 'e',
    store: generousStore(bundles),
    device,
    machine: (incarnation) => makeEngine({ ...parts, incarnation, cost }),
    heartbeatUs: settings.heartbeatUs,
  })
}

/** The store of an owner that leaves everything to the one engine there is. */
function generousStore(bundles: number): ActorStore {
  let document: EngineDocument | undefined
  const nothing = () => Promise.resolve(() => undefined)
  return {
    own: () => Promise.resolve({ kind: 'failed', detail: 'nobody owns this one' }),
    peer: (command) => {
      if (command.kind === 'say') return Promise.resolve({ kind: 'said', position: '1-0' })
      if (command.kind === 'beat')
        document = documentAfter(JSON.parse(command.text) as EngineMessage, document, bundles)
      return Promise.resolve({ kind: 'document', text: document ? JSON.stringify(document) : null })
    },
    onBell: nothing,
    onTick: nothing,
    newestLog: () => Promise.resolve([]),
    logAfter: () => Promise.resolve({ position: '0-0', lines: [] }),
  }
}

function documentAfter(
  message: EngineMessage,
  last: EngineDocument | undefined,
  bundles: number,
): EngineDocument | undefined {
  if (message.kind !== 'heartbeat') return last
  const { engine, incarnation, beat } = message
  return {
    engine,
    incarnation,
    epoch: 0,
    sequence: (last?.sequence ?? 0) + 1,
    ackBeat: beat,
    processedThrough: 1,
    member: true,
    census: false,
    leaseBundles: bundles,
    guaranteeBundles: bundles,
    limitBundles: bundles,
    budget: { round: beat, tokens: 1e9, lentTokens: 0, floor: 1e9 },
    reclaims: [],
    sharesPool: false,
    supplyWanted: false,
    outcomes: [],
  }
}
