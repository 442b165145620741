import { invariant, MICROS_PER_SECOND, type Micros, type Rng, SeededRng } from '@kvasir/kernel'
import type { LengthPair, RequestRecord, RequestStream } from '../request.js'
import { type ArrivalProcess, type ArrivalSpec, createArrivals } from './arrivals.js'
import { checkLabels, type DeadlineRule, LabelDrawer, type LabelSpec } from './labels.js'
import { checkLengthLaw, drawLength, type LengthSpec } from './length-law.js'
import { checkShare, drawWeighted, type Share, shareAt } from './shares.js'

/** One model's part of a workload. */
export interface ModelLoad {
  /** Undefined for a workload whose requests are dealt to models later. */
  readonly model: string | undefined
  /** Relative to the other models' shares; may change over time. */
  readonly share: Share
  readonly lengths: LengthSpec
  /** What is given here replaces the workload's labels, one by one. */
  readonly labels?: LabelSpec | undefined
}

export interface WorkloadSpec {
  /**
   * Prefix of the request ids and of the names of the random streams: two workloads of one seed are
   * independent when their names differ.
   */
  readonly name: string
  readonly arrivals: ArrivalSpec
  readonly models: readonly ModelLoad[]
  readonly labels?: LabelSpec | undefined
  /** No request arrives at or after this. */
  readonly endUs?: Micros | undefined
}

/**
 * A seeded stream of requests. Every purpose draws from a stream of its own (`arrivals`, `states`, `mix`,
 * each model's `prompt`, `output` and `pairs`, `priorities`, `tenants`, `deadlines`), so that changing one
 * part of the specification leaves all other draws as they were.
 */
export function generateRequests(spec: WorkloadSpec, seed: number): RequestStream {
  check(spec)
  return new GeneratedStream(spec, seed)
}

class GeneratedStream implements RequestStream {
  #spec: WorkloadSpec
  #arrivals: ArrivalProcess
  #mix: Rng
  #labels: LabelDrawer
  #sources: readonly ModelSource[]
  #number = 0

  constructor(spec: WorkloadSpec, seed: number) {
    this.#spec = spec
    this.#arrivals = createArrivals(spec.arrivals, seed, spec.name)
    this.#mix = new SeededRng(seed, `${spec.name}/mix`)
    this.#labels = new LabelDrawer(seed, spec.name)
    this.#sources = spec.models.map((load) => new ModelSource(load, spec.labels ?? {}, seed, spec.name))
  }

  next(): RequestRecord | undefined {
    const arrivalUs = this.#arrivals.next()
    if (arrivalUs === undefined || arrivalUs >= (this.#spec.endUs ?? Infinity)) {
      this.#arrivals = ENDED
      return undefined
    }
    const source = this.#choose(arrivalUs)
    const { promptTokens, outputTokens } = source.drawLengths()
    const { priority, tenant, deadline } = this.#labels.draw(source.labels)
    return {
      id: `${this.#spec.name}-${this.#number++}`,
      arrivalUs,
      model: source.model,
      promptTokens,
      outputTokens,
      priority,
      tenant,
      deadlineUs: deadlineOf(deadline, arrivalUs, outputTokens),
      session: undefined,
      prefixBlocks: undefined,
      prefixBlockTokens: 0,
    }
  }

  #choose(arrivalUs: Micros): ModelSource {
    const atS = arrivalUs / MICROS_PER_SECOND
    const weighted = this.#sources.map((source) => ({ value: source, weight: shareAt(source.share, atS) }))
    const source = drawWeighted(weighted, this.#mix)
    invariant(
      source !== undefined && weighted.some(({ weight }) => weight > 0),
      () => `all shares are 0 at ${atS} s`,
    )
    return source
  }
}

const ENDED: ArrivalProcess = { next: () => undefined }

/** Draws the lengths of one model's requests. */
class ModelSource {
  readonly model: string | undefined
  readonly share: Share
  readonly labels: LabelSpec
  #lengths: LengthSpec
  #prompt: Rng
  #output: Rng
  #pairs: Rng

  constructor(load: ModelLoad, labels: LabelSpec, seed: number, name: string) {
    const streams = `${name}/lengths/${load.model ?? ''}`
    this.model = load.model
    this.share = load.share
    this.labels = { ...labels, ...load.labels }
    this.#lengths = load.lengths
    this.#prompt = new SeededRng(seed, `${streams}/prompt`)
    this.#output = new SeededRng(seed, `${streams}/output`)
    this.#pairs = new SeededRng(seed, `${streams}/pairs`)
  }

  drawLengths(): LengthPair {
    const lengths = this.#lengths
    if (lengths.kind === 'pairs') return lengths.pairs[this.#pairs.int(lengths.pairs.length)]
    return {
      promptTokens: drawLength(lengths.prompt, this.#prompt),
      outputTokens: drawLength(lengths.output, this.#output),
    }
  }
}

function deadlineOf(rule: DeadlineRule, arrivalUs: Micros, outputTokens: number): Micros | undefined {
  return rule.kind === 'none'
    ? undefined
    : arrivalUs + Math.round(rule.baseUs + rule.perOutputTokenUs * outputTokens)
}

function check(spec: WorkloadSpec): void {
  invariant(spec.models.length > 0, () => `workload ${spec.name} has no models`)
  const names = new Set(spec.models.map(({ model }) => model))
  invariant(names.size === spec.models.length, () => `workload ${spec.name} names a model twice`)
  checkLabels(spec.labels ?? {})
  for (const { model, share, lengths, labels } of spec.models) {
    checkShare(share, `model ${model ?? '(unnamed)'}`)
    checkLabels(labels ?? {})
    if (lengths.kind === 'pairs')
      invariant(lengths.pairs.length > 0, () => `model ${model ?? '(unnamed)'} has no pairs`)
    else {
      checkLengthLaw(lengths.prompt)
      checkLengthLaw(lengths.output)
    }
  }
}
