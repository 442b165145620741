import { setImmediate } from 'node:timers/promises'
import type { Scenario, Summary, TraceDetail, TraceRecord } from '@kvasir/contracts'
import {
  DecisionLogWriter,
  decisionLogHeader,
  LlmschedTraceFilter,
  type TraceSink,
  TraceWriter,
} from '@kvasir/event-log'
import { invariant, secondsToMicros } from '@kvasir/kernel'
import {
  type ClusterPlan,
  type CostTables,
  requestsOf,
  Simulation,
  type SimulationResult,
  userGroupsOf,
} from '@kvasir/simulation'
import type { Interrupt } from '../run/interrupt.js'
import type { ProgressBar } from '../run/progress.js'
import { inlineLess } from './inline-less.js'
import { openTraces, type PreparedWorkload } from './prepare-workload.js'

/** Events between two looks at the outside: a few tens of milliseconds. */
const EVENTS_PER_SLICE = 20_000

/** Two million events within one microsecond are no simulation, they are a loop. */
const SLICES_STILL_MAX = 100

/**
 * Requests buffered before a slice. An event pulls one request at most, and a merge of several sources holds one
 * more of each.
 */
const REQUESTS_PER_SLICE = EVENTS_PER_SLICE + 16

export interface RunOptions {
  readonly plan: ClusterPlan
  readonly scenario: Scenario
  readonly workload: PreparedWorkload
  /** Tables that several runs share. */
  readonly costs?: CostTables
  /** Undefined: no trace is kept. */
  readonly trace: TraceOptions | undefined
  /** Path of the decision log; undefined: none is kept. */
  readonly decisions: string | undefined
  readonly progress: ProgressBar
  readonly interrupt: Pick<Interrupt, 'asked'>
  /** Sees the records of the trace, whether one is kept or not. */
  readonly watch?: (record: TraceRecord) => void
}

export interface TraceOptions {
  readonly path: string
  readonly detail: TraceDetail
  readonly llmsched: boolean
}

export interface FinishedRun {
  readonly plan: ClusterPlan
  readonly result: SimulationResult
  readonly summary: Summary
  /** Stopped by Ctrl-C. */
  readonly interrupted: boolean
}

/** Runs one simulation to its end, or to the next pause after Ctrl-C. */
export async function runSimulation(options: RunOptions): Promise<FinishedRun> {
  const { plan, scenario, workload, progress, interrupt } = options
  inlineLess()
  const startMs = performance.now()
  const traces = openTraces(workload.traces)
  const fill = () => Promise.all(traces.map((trace) => trace.fill(REQUESTS_PER_SLICE)))
  await fill()
  const sources = workload.traces.map(({ spec, routing }, i) => ({ spec, routing, stream: traces[i] }))
  const sink = options.trace === undefined ? undefined : openTrace(options.trace)
  const decisions = options.decisions === undefined ? undefined : openDecisions(options.decisions, plan)
  const trace = traceListener(sink, options.watch)
  const simulation = new Simulation(plan, {
    requests: requestsOf(scenario, sources, workload.files),
    users: userGroupsOf(scenario, workload.files),
    traceDetail: options.trace?.detail ?? 'run',
    ...(options.costs === undefined ? {} : { costs: options.costs }),
    ...(scenario.stopAtS === undefined ? {} : { untilUs: secondsToMicros(scenario.stopAtS) }),
    ...(trace === undefined ? {} : { trace }),
    ...(decisions === undefined ? {} : { decisions: (record) => decisions.record(record) }),
  })
  let over = false
  let slicesStill = 0
  try {
    for (;;) {
      const beforeUs = simulation.nowUs
      over = simulation.run(EVENTS_PER_SLICE)
      slicesStill = simulation.nowUs === beforeUs ? slicesStill + 1 : 0
      invariant(slicesStill < SLICES_STILL_MAX, () => `simulated time stands still at ${beforeUs} us`)
      const { submitted, finished, rejected } = simulation.requests
      const { nowUs, events } = simulation
      progress.update({ simulatedUs: nowUs, events, submitted, ended: finished + rejected })
      if (over || interrupt.asked) break
      await fill()
      // Signals are heard only between two turns of the event loop.
      await setImmediate()
    }
  } finally {
    progress.clear()
    sink?.close()
    decisions?.close()
  }
  const result = simulation.result()
  const wallMs = Math.round(performance.now() - startMs)
  const { skippedLines } = workload
  return { plan, result, summary: summaryOf(result, { over, wallMs, skippedLines }), interrupted: !over }
}

function traceListener(
  sink: TraceSink | undefined,
  watch: RunOptions['watch'],
): ((record: TraceRecord) => void) | undefined {
  if (sink === undefined) return watch
  return (record) => {
    sink.record(record)
    watch?.(record)
  }
}

interface Circumstances {
  readonly over: boolean
  readonly wallMs: number
  readonly skippedLines: number
}

/** The members in the order in which people read them. */
function summaryOf({ summary }: SimulationResult, { over, wallMs, skippedLines }: Circumstances): Summary {
  const { models, pools, ...outcome } = summary
  // The simulator knows of no requests but those that have arrived: all of these may have ended although more would come.
  const interrupted = outcome.interrupted || !over
  return { ...outcome, interrupted, wallMs, ...(skippedLines > 0 ? { skippedLines } : {}), models, pools }
}

function openDecisions(path: string, { name, policy, seed }: ClusterPlan): DecisionLogWriter {
  return new DecisionLogWriter(path, decisionLogHeader({ name, policy, seed }))
}

function openTrace({ path, llmsched }: TraceOptions): TraceSink {
  const writer = new TraceWriter(path)
  if (!llmsched) return writer
  const filter = new LlmschedTraceFilter((record) => writer.record(record))
  return {
    record: (record) => filter.record(record),
    close: () => {
      filter.close()
      writer.close()
    },
  }
}
