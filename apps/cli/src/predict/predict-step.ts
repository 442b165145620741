import {
  parseDocument,
  type Parsed,
  type StepAnswer,
  type StepQuestion,
  stepQuestionSchema,
} from '@kvasir/contracts'
import {
  combineShapes,
  createStepCost,
  decodeShape,
  emptyShape,
  hostPresets,
  type KernelProfile,
  prefillShape,
  type StepCostModel,
  type StepShape,
} from '@kvasir/hardware'
import { invariant } from '@kvasir/kernel'
import { findServing } from './served-model.js'

/** Reads a question and looks its names up: what it refuses is named by field. */
export function parseStepQuestion(document: unknown): Parsed<StepQuestion> {
  const parsed = parseDocument(stepQuestionSchema, document)
  if (parsed.kind === 'refused') return parsed
  const problems = stepProblems(parsed.value, (name) => name)
  return problems.length === 0 ? parsed : { kind: 'refused', problems }
}

/** What is wrong with a question that has the right form; `field` names its parts as their writer knows them. */
export function stepProblems(question: StepQuestion, field: (name: string) => string): readonly string[] {
  const found = findServing(question, field)
  if (found.kind === 'refused') return found.problems
  if (question.decode.length + question.prefill.length > 0) return []
  return [
    `${field('decode')} and ${field('prefill')} are empty; a step must compute something: name one of them`,
  ]
}

/** Answers questions; those about the same model on the same group share their tables. */
export class StepPredictor {
  readonly #profiles: readonly KernelProfile[]
  readonly #costs = new Map<string, StepCostModel>()

  /** @param profiles of GPUs that were measured, in place of what ships for them. */
  constructor(profiles: readonly KernelProfile[] = []) {
    this.#profiles = profiles
  }

  answer(question: StepQuestion): StepAnswer {
    const found = findServing(question, (name) => name)
    invariant(found.kind === 'found', () => `an unchecked question: ${JSON.stringify(question)}`)
    const { gpu, model, tp } = found.serving
    const { host, basis } = question
    const key = JSON.stringify([gpu.name, model.name, model.weightDtype, model.kvDtype, tp, host, basis])
    const profile = this.#profiles.find((candidate) => candidate.gpu === gpu.name)
    const own = profile === undefined ? {} : { profile }
    const cost =
      this.#costs.get(key) ?? createStepCost({ gpu, model, tp, host: hostPresets[host], basis, ...own })
    this.#costs.set(key, cost)
    const shape = shapeOf(question)
    const { layersUs, attentionUs, communicationUs, headUs, hostUs, totalUs, computeUs, memoryUs } =
      cost.breakdown(shape)
    return {
      gpu: gpu.name,
      model: model.name,
      tp,
      host,
      source: cost.source.kind,
      sourceGpu: cost.source.kind === 'roofline' ? null : cost.source.gpu,
      us: totalUs,
      parts: { layersUs, attentionUs, communicationUs, headUs, hostUs },
      computeUs,
      memoryUs,
      tokens: shape.totalTokens,
    }
  }
}

function shapeOf({ decode, prefill }: StepQuestion): StepShape {
  return [...decode.map(decodeShape), ...prefill.map(prefillShape)].reduce(combineShapes, emptyShape)
}
