import type { DeviceModel } from '@kvasir/contracts'
import {
  createStepCost,
  type Dtype,
  type Gpu,
  type HostPreset,
  hostPresets,
  type Model,
  modelByName,
  type StepCostModel,
  withDtypes,
} from '@kvasir/hardware'
import type { OpenCommand } from './simulated-group.js'

/** Host cost where the engine does not say: scheduling overlaps the step before. */
const DEFAULT_HOST = 'vllm-async'

/** Step times of what engines open on one group, one table for each kind. */
export class StepCosts {
  readonly #gpu: Gpu
  readonly #tp: number
  readonly #tables = new Map<string, StepCostModel>()

  constructor(gpu: Gpu, tp: number) {
    this.#gpu = gpu
    this.#tp = tp
  }

  /** @throws {RangeError} when the catalogue does not have what is opened. */
  of({ model, served = { architecture: model } }: OpenCommand): StepCostModel {
    const { architecture, weightDtype, kvDtype, host = DEFAULT_HOST } = served
    const key = `${architecture}/${weightDtype}/${kvDtype}/${host}`
    const known = this.#tables.get(key)
    if (known) return known
    const made = createStepCost({
      gpu: this.#gpu,
      model: servedModel(served),
      tp: this.#tp,
      host: presetOf(host),
    })
    this.#tables.set(key, made)
    return made
  }
}

function servedModel({ architecture, weightDtype, kvDtype }: DeviceModel): Model {
  const found = modelByName(architecture)
  if (found.kind !== 'found')
    throw new RangeError(
      `architecture is "${architecture}"; it must be a model of the catalogue, such as ${found.near.join(', ')}`,
    )
  return withDtypes(found.model, {
    ...(weightDtype === undefined ? {} : { weight: dtypeIn('weightDtype', weightDtype) }),
    ...(kvDtype === undefined ? {} : { kv: dtypeIn('kvDtype', kvDtype) }),
  })
}

const dtypes: readonly Dtype[] = ['bf16', 'fp16', 'fp8', 'int8']

function dtypeIn(field: string, name: string): Dtype {
  const known = dtypes.find((dtype) => dtype === name)
  if (known === undefined)
    throw new RangeError(`${field} is "${name}"; it must be one of ${dtypes.join(', ')}`)
  return known
}

function presetOf(name: string): HostPreset {
  const preset = Object.entries(hostPresets).find(([known]) => known === name)?.[1]
  if (preset !== undefined) return preset
  throw new RangeError(`host is "${name}"; it must be one of ${Object.keys(hostPresets).join(', ')}`)
}
