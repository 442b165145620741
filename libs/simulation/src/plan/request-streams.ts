import type { ArrivalsSpec, GeneratorSpec, LengthsSpec, Scenario, TraceSpec } from '@kvasir/contracts'
import { invariant, type Micros, millisToMicros, secondsToMicros, type Tokens } from '@kvasir/kernel'
import {
  type ArrivalSpec,
  dealModels,
  FITTED_TRACES,
  type FittedLengths,
  type FittedTrace,
  type GapLaw,
  generateRequests,
  type LabelSpec,
  type LengthLaw,
  type LengthPair,
  type LengthSpec,
  lawOf,
  limit,
  mapStream,
  mergeByArrival,
  type ModelLoad,
  type RequestRecord,
  type RequestStream,
  scaleRate,
  type SharePoint,
  withIdPrefix,
  withSystemPrompts,
} from '@kvasir/workload'
import type { UserGroup } from '../user-loop.js'
import { scaleArrivals } from './scale-arrivals.js'
import type { TraceRouting } from './trace-models.js'

/** What generators take from files: read beforehand by whoever may read files. */
export interface WorkloadFiles {
  readonly arrivalsUs: (file: string) => readonly Micros[]
  readonly lengths: (file: string) => readonly LengthPair[]
}

/** A trace with its routing: `stream` is what the file holds, in order of arrival. */
export interface TraceSource {
  readonly spec: TraceSpec
  readonly routing: TraceRouting
  readonly stream: RequestStream
}

/** What a scenario's generators ask for that is not there. */
export function generatorProblems({ workload }: Scenario): string[] {
  return workload.generators.flatMap(({ lengths }, i) =>
    (['prompt', 'output'] as const).flatMap((part) => {
      const law = lengths[part]
      if (law.kind !== 'fitted' || FITTED_TRACES.has(law.trace)) return []
      return [
        `workload.generators[${i}].lengths.${part}.trace is "${law.trace}"; it must be one of ${fittedTraceNames.join(', ')}`,
      ]
    }),
  )
}

/** The files a scenario's generators need, by use. */
export function generatorFiles(scenario: Scenario): {
  readonly arrivals: readonly { readonly file: string; readonly format: string | undefined }[]
  readonly lengths: readonly string[]
} {
  const { generators } = scenario.workload
  return {
    arrivals: generators.flatMap(({ arrivals }) =>
      arrivals.kind === 'replay' ? [{ file: arrivals.file, format: arrivals.format }] : [],
    ),
    lengths: generators.flatMap(({ lengths }) =>
      [lengths.prompt, lengths.output].flatMap((law) => (law.kind === 'file' ? [law.file] : [])),
    ),
  }
}

/**
 * All requests of a scenario that arrive by themselves, in order of arrival, each with the name of a model of the scenario. Those
 * of closed loops are `userGroupsOf`'s.
 */
export function requestsOf(
  scenario: Scenario,
  traces: readonly TraceSource[],
  files: WorkloadFiles,
): RequestStream {
  const { workload, durationS, seed } = scenario
  const rateScale = workload.rateScale ?? 1
  const endUs = durationS === undefined ? Infinity : secondsToMicros(durationS)
  const streams = [
    ...traces.map((trace, i) => {
      const stream = traceStream(trace, rateScale)
      return traces.length > 1 ? withIdPrefix(stream, `t${i}-`) : stream
    }),
    ...workload.generators.flatMap((generator, i) =>
      generator.arrivals.kind === 'closed-loop'
        ? []
        : [generatorStream(scaleArrivals(generator, rateScale), i, { seed, endUs, files })],
    ),
  ]
  const merged = streams.length === 1 ? streams[0] : mergeByArrival(streams)
  const timely = durationS === undefined ? merged : until(merged, endUs)
  return workload.requests === undefined ? timely : limit(timely, workload.requests)
}

/** The users of a scenario's closed loops. */
export function userGroupsOf(scenario: Scenario, files: WorkloadFiles): readonly UserGroup[] {
  const { workload, durationS, seed } = scenario
  const endUs = durationS === undefined ? Infinity : secondsToMicros(durationS)
  return workload.generators.flatMap((generator, i) => {
    const { arrivals, startS, endS } = generator
    if (arrivals.kind !== 'closed-loop') return []
    return [
      {
        users: arrivals.users,
        thinkUs: millisToMicros(arrivals.thinkMs),
        startUs: secondsToMicros(startS),
        startEveryUs: millisToMicros(arrivals.startEveryMs),
        endUs: Math.min(endUs, endS === undefined ? Infinity : secondsToMicros(endS)),
        requests: generatorStream({ ...generator, endS: undefined }, i, { seed, endUs: Infinity, files }),
      },
    ]
  })
}

function traceStream({ spec, routing, stream }: TraceSource, scale: number): RequestStream {
  const named = mapStream(stream, (record) => {
    const model = record.model === undefined ? undefined : routing.modelOf.get(record.model)
    return model === record.model ? record : { ...record, model }
  })
  const dealt = dealModels(named, routing.deal)
  const rateScale = spec.rateScale * scale
  const scaled = rateScale === 1 ? dealt : scaleRate(dealt, rateScale)
  const { priority, startS, maxOutputTokens } = spec
  const ranked = priority === undefined ? scaled : mapStream(scaled, (record) => ({ ...record, priority }))
  return limited(delayed(ranked, secondsToMicros(startS)), maxOutputTokens)
}

interface GeneratorContext {
  readonly seed: number
  readonly endUs: Micros
  readonly files: WorkloadFiles
}

function generatorStream(spec: GeneratorSpec, index: number, context: GeneratorContext): RequestStream {
  const startUs = secondsToMicros(spec.startS)
  const ownEndUs = spec.endS === undefined ? Infinity : secondsToMicros(spec.endS)
  const stream = generateRequests(
    {
      name: spec.name ?? `g${index}`,
      arrivals: arrivalSpec(spec.arrivals, context.files),
      models: modelLoads(spec, context.files),
      labels: labelSpec(spec),
      endUs: Math.max(0, Math.min(ownEndUs, context.endUs) - startUs),
    },
    context.seed,
  )
  const { systemPrompt } = spec
  const prompted =
    systemPrompt === undefined
      ? stream
      : withSystemPrompts(
          stream,
          { ...systemPrompt, name: spec.name ?? `g${index}`, source: index },
          context.seed,
        )
  const later = limited(delayed(prompted, startUs), spec.maxOutputTokens)
  return spec.requests === undefined ? later : limit(later, spec.requests)
}

function modelLoads(spec: GeneratorSpec, files: WorkloadFiles): readonly ModelLoad[] {
  const lengths = lengthSpec(spec.lengths, files)
  if (spec.mix === undefined) return [{ model: spec.model, share: 1, lengths }]
  const names = [...new Set(spec.mix.flatMap((point) => Object.keys(point.shares)))]
  return names.map((model) => {
    const share: SharePoint[] = (spec.mix ?? []).map(({ atS, shares }) => ({
      atS,
      share: shares[model] ?? 0,
    }))
    return { model, share, lengths }
  })
}

function labelSpec({ priorities, tenants, deadlines }: GeneratorSpec): LabelSpec {
  return {
    priorities: priorities?.map(({ priority, share }) => ({ value: priority, weight: share })),
    tenants: tenants?.map(({ tenant, share }) => ({ value: tenant, weight: share })),
    deadlines: deadlines && [
      {
        value: {
          kind: 'after',
          baseUs: secondsToMicros(deadlines.withinS),
          perOutputTokenUs: millisToMicros(deadlines.perOutputTokenMs),
        },
        weight: deadlines.share,
      },
      { value: { kind: 'none' }, weight: 1 - deadlines.share },
    ],
  }
}

function arrivalSpec(spec: ArrivalsSpec, files: WorkloadFiles): ArrivalSpec {
  switch (spec.kind) {
    case 'mmpp':
      return { kind: 'modulated', states: spec.states, gaps: gapLaw(spec.cv) }
    case 'flash-crowd': {
      const { ratePerS, peakRatePerS, atS, holdS, decayS } = spec
      return {
        kind: 'flash_crowd',
        baseRatePerS: ratePerS,
        peakRatePerS,
        startS: atS,
        holdS,
        decayS,
        gaps: gapLaw(spec.cv),
      }
    }
    case 'diurnal': {
      const { ratePerS, amplitude, periodS, peakS } = spec
      return { kind: 'diurnal', meanRatePerS: ratePerS, amplitude, periodS, peakS, gaps: gapLaw(spec.cv) }
    }
    case 'curve':
      return { kind: 'curve', points: spec.points, periodS: spec.periodS, gaps: gapLaw(spec.cv) }
    case 'closed-loop':
      // When they send is the loop's to say: requests are only drawn in turn.
      return { kind: 'constant', ratePerS: 1 }
    case 'replay':
      return { kind: 'replay', arrivalsUs: files.arrivalsUs(spec.file), speed: spec.rateScale }
    default:
      return spec
  }
}

/** Undefined: Poisson. */
function gapLaw(cv: number | undefined): GapLaw | undefined {
  return cv === undefined ? undefined : { kind: 'gamma', cv }
}

/** Both lengths from one file stay pairs: an output belongs to its prompt. */
function lengthSpec(spec: GeneratorSpec['lengths'], files: WorkloadFiles): LengthSpec {
  const { prompt, output } = spec
  if (prompt.kind === 'file' && output.kind === 'file' && prompt.file === output.file) {
    const pairs = files.lengths(prompt.file).map(({ promptTokens, outputTokens }) => ({
      promptTokens: Math.min(promptTokens, prompt.max ?? promptTokens),
      outputTokens: Math.min(outputTokens, output.max ?? outputTokens),
    }))
    return { kind: 'pairs', pairs }
  }
  return {
    kind: 'independent',
    prompt: lengthLaw(prompt, {
      column: (file) => files.lengths(file).map((pair) => pair.promptTokens),
      fit: (trace) => fittedTrace(trace).prompt,
    }),
    output: lengthLaw(output, {
      column: (file) => files.lengths(file).map((pair) => pair.outputTokens),
      fit: (trace) => fittedTrace(trace).output,
    }),
  }
}

interface LengthColumn {
  readonly column: (file: string) => readonly number[]
  readonly fit: (trace: string) => FittedLengths
}

function lengthLaw(spec: LengthsSpec, { column, fit }: LengthColumn): LengthLaw {
  switch (spec.kind) {
    case 'log-normal':
      return {
        kind: 'log_normal',
        mu: Math.log(spec.median),
        sigma: spec.sigma,
        min: spec.min,
        max: spec.max,
      }
    case 'bimodal': {
      const mode = ({ median, sigma }: { readonly median: number; readonly sigma: number }): LengthLaw => ({
        kind: 'log_normal',
        mu: Math.log(median),
        sigma,
        min: spec.min,
        max: spec.max,
      })
      return { kind: 'bimodal', short: mode(spec.short), long: mode(spec.long), longShare: spec.longShare }
    }
    case 'empirical':
      return { kind: 'empirical', samples: spec.values }
    case 'file': {
      const { max } = spec
      const tokens = column(spec.file)
      return {
        kind: 'empirical',
        samples: max === undefined ? tokens : tokens.map((length) => Math.min(length, max)),
      }
    }
    case 'fitted':
      return lawOf(fit(spec.trace))
    default:
      return spec
  }
}

/** Traces that lengths may be fitted to. */
export const fittedTraceNames: readonly string[] = [...FITTED_TRACES.keys()]

function fittedTrace(name: string): FittedTrace {
  const trace = FITTED_TRACES.get(name)
  invariant(trace !== undefined, () => `no trace ${name} was fitted; known: ${fittedTraceNames.join(', ')}`)
  return trace
}

function delayed(stream: RequestStream, byUs: Micros): RequestStream {
  if (byUs === 0) return stream
  return mapStream(stream, (record) => ({
    ...record,
    arrivalUs: record.arrivalUs + byUs,
    deadlineUs: record.deadlineUs === undefined ? undefined : record.deadlineUs + byUs,
  }))
}

/** What clients allow an output to have; longer ones end there. */
function limited(stream: RequestStream, maxOutputTokens: Tokens | undefined): RequestStream {
  if (maxOutputTokens === undefined) return stream
  return mapStream(stream, (record) => {
    const outputTokens = Math.min(record.outputTokens, maxOutputTokens)
    return { ...record, outputTokens, maxOutputTokens }
  })
}

/** Ends before the first request at or after `endUs`. */
function until(stream: RequestStream, endUs: Micros): RequestStream {
  let over = false
  return {
    next(): RequestRecord | undefined {
      if (over) return undefined
      const record = stream.next()
      over = record === undefined || record.arrivalUs >= endUs
      return over ? undefined : record
    },
  }
}
