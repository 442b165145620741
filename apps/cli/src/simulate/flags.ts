import {
  dispatchNameSchema,
  orderNameSchema,
  predictorNameSchema,
  type PolicyName,
  policyNameSchema,
  preemptionNameSchema,
  sharingNameSchema,
  type TraceDetail,
  traceDetails,
  victimNameSchema,
} from '@kvasir/contracts'
import type { TraceFormat } from '@kvasir/workload'
import { BadInput } from '../bad-input.js'
import { traceFormat } from '../input/trace-file.js'

/** What the command line says, checked; undefined means: as the scenario has it. */
export interface SimulateFlags {
  readonly scenario: string | undefined
  readonly trace: string | undefined
  readonly traceFormat: TraceFormat | undefined
  readonly cluster: string | undefined
  readonly policies: readonly PolicyName[] | undefined
  readonly order: Order | undefined
  readonly preemptive: boolean
  readonly predictor: Predictor | undefined
  /** What clients allow an output to have. */
  readonly maxOutputTokens: number | undefined
  readonly victim: Victim | undefined
  readonly preemption: Preemption | undefined
  readonly dispatch: Dispatch | undefined
  readonly sharing: SharingName | undefined
  /** Files of measured GPUs, beside those of the scenario. */
  readonly profiles: readonly string[]
  readonly seeds: readonly number[] | undefined
  readonly requests: number | undefined
  readonly durationS: number | undefined
  readonly out: string | undefined
  readonly json: boolean
  readonly traceDetail: TraceDetail
  readonly writeTrace: boolean
  readonly writeDecisions: boolean
  readonly llmschedTrace: boolean
  readonly skipBadLines: boolean
  /** Model name in the trace to architecture, or to model of the scenario. */
  readonly modelMap: ReadonlyMap<string, string>
}

export type Order = (typeof orderNameSchema.options)[number]
export type Predictor = (typeof predictorNameSchema.options)[number]
export type Dispatch = (typeof dispatchNameSchema.options)[number]
export type Preemption = (typeof preemptionNameSchema.options)[number]
export type SharingName = (typeof sharingNameSchema.options)[number]
export type Victim = (typeof victimNameSchema.options)[number]

/** Options as the command-line parser hands them over. */
export interface RawSimulateOptions {
  readonly trace?: string
  readonly traceFormat?: string
  readonly cluster?: string
  readonly policy?: string
  readonly order?: string
  readonly preemptive?: boolean
  readonly predictor?: string
  readonly maxOutputTokens?: string
  readonly victim?: string
  readonly preemption?: string
  readonly dispatch?: string
  readonly sharing?: string
  readonly profile?: readonly string[]
  readonly seed?: string
  readonly requests?: string
  readonly duration?: string
  readonly out?: string
  readonly json?: boolean
  readonly traceDetail?: string
  readonly traceFile?: boolean
  readonly decisions?: boolean
  readonly traceCompat?: string
  readonly skipBadLines?: boolean
  readonly modelMap?: string
}

/** @throws {BadInput} naming the option, its value and what would be right. */
export function simulateFlags(scenario: string | undefined, raw: RawSimulateOptions): SimulateFlags {
  if (raw.traceFile === false && raw.traceCompat !== undefined) {
    throw new BadInput(`--trace-compat is ${raw.traceCompat}; beside --no-trace it must be left out`)
  }
  if (raw.trace === undefined && raw.traceFormat !== undefined) {
    throw new BadInput(`--trace-format is ${raw.traceFormat}; it must come with --trace FILE`)
  }
  return {
    scenario,
    trace: raw.trace,
    traceFormat: traceFormat(raw.traceFormat, '--trace-format'),
    cluster: raw.cluster,
    policies: distinct(
      raw.policy?.split(',').map((name) => oneOf('--policy', name, policyNameSchema.options)),
    ),
    order: raw.order === undefined ? undefined : oneOf('--order', raw.order, orderNameSchema.options),
    preemptive: raw.preemptive ?? false,
    predictor:
      raw.predictor === undefined
        ? undefined
        : oneOf('--predictor', raw.predictor, predictorNameSchema.options),
    maxOutputTokens:
      raw.maxOutputTokens === undefined
        ? undefined
        : wholeNumber('--max-output-tokens', raw.maxOutputTokens, 1),
    victim: raw.victim === undefined ? undefined : oneOf('--victim', raw.victim, victimNameSchema.options),
    preemption:
      raw.preemption === undefined
        ? undefined
        : oneOf('--preemption', raw.preemption, preemptionNameSchema.options),
    dispatch:
      raw.dispatch === undefined ? undefined : oneOf('--dispatch', raw.dispatch, dispatchNameSchema.options),
    sharing:
      raw.sharing === undefined ? undefined : oneOf('--sharing', raw.sharing, sharingNameSchema.options),
    profiles: raw.profile ?? [],
    seeds: distinct(raw.seed?.split(',').map((text) => wholeNumber('--seed', text, 0))),
    requests: raw.requests === undefined ? undefined : wholeNumber('--requests', raw.requests, 1),
    durationS: raw.duration === undefined ? undefined : positiveNumber('--duration', raw.duration),
    out: raw.out,
    json: raw.json ?? false,
    traceDetail: oneOf('--trace-detail', raw.traceDetail ?? 'run', traceDetails),
    writeTrace: raw.traceFile ?? true,
    writeDecisions: (raw.decisions ?? true) && (raw.traceFile ?? true),
    llmschedTrace:
      raw.traceCompat !== undefined && oneOf('--trace-compat', raw.traceCompat, ['llmsched']) === 'llmsched',
    skipBadLines: raw.skipBadLines ?? false,
    modelMap: modelMap(raw.modelMap),
  }
}

export function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((candidate) => candidate === value.trim())
  if (found === undefined)
    throw new BadInput(`${option} is "${value}"; it must be one of ${known.join(', ')}`)
  return found
}

export function wholeNumber(option: string, text: string, min: number): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < min) {
    throw new BadInput(`${option} is "${text}"; it must be a whole number of at least ${min}`)
  }
  return value
}

export function positiveNumber(option: string, text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new BadInput(`${option} is "${text}"; it must be a number of seconds above 0`)
  }
  return value
}

function modelMap(text: string | undefined): ReadonlyMap<string, string> {
  const pairs = (text ?? '').split(',').filter((pair) => pair.trim() !== '')
  return new Map(
    pairs.map((pair) => {
      const [from, to, ...rest] = pair.split('=').map((part) => part.trim())
      if (from === '' || to === undefined || to === '' || rest.length > 0) {
        throw new BadInput(`--model-map has "${pair}"; it must be NAME=MODEL, such as m-small=Qwen3-8B`)
      }
      return [from, to]
    }),
  )
}

export function distinct<T>(values: readonly T[] | undefined): readonly T[] | undefined {
  return values === undefined ? undefined : [...new Set(values)]
}
