import type { Dtype, ExpertSplit, Gpu, Model } from '@kvasir/hardware'
import { gpuByName, modelByName, splitRefusal, withDtypes } from '@kvasir/hardware'

/** A model on a group of GPUs. */
export interface Serving {
  readonly gpu: Gpu
  readonly model: Model
  readonly tp: number
  readonly expertSplit?: ExpertSplit
}

export type ServingLookup =
  | { readonly kind: 'found'; readonly serving: Serving }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }

export interface ServingNames {
  readonly gpu: string
  readonly model: string
  readonly tp: number
  readonly dtype?: Dtype | undefined
  readonly kvDtype?: Dtype | undefined
}

/** Finds what is asked for in the catalogue; `field` names an option or a field as its writer knows it. */
export function findServing(names: ServingNames, field: (name: string) => string): ServingLookup {
  const gpu = gpuByName(names.gpu)
  const model = modelByName(names.model)
  const problems = [
    ...(gpu.kind === 'found'
      ? []
      : [
          `${field('gpu')} is "${names.gpu}"; it must be a GPU of the catalogue, such as ${gpu.near.join(', ')}`,
        ]),
    ...(model.kind === 'found'
      ? []
      : [
          `${field('model')} is "${names.model}"; it must be a model of the catalogue, such as ${model.near.join(', ')}`,
        ]),
  ]
  if (gpu.kind !== 'found' || model.kind !== 'found') return { kind: 'refused', problems }
  const split = splitRefusal(model.model, names.tp)
  if (split !== undefined) {
    const kv = split.kvHeads === undefined ? '' : ` and ${split.kvHeads} key-value heads`
    return {
      kind: 'refused',
      problems: [
        `${field('tp')} is ${names.tp}; it must divide the ${split.queryHeads} query heads${kv} of ${split.model}`,
      ],
    }
  }
  const formats = {
    ...(names.dtype === undefined ? {} : { weight: names.dtype }),
    ...(names.kvDtype === undefined ? {} : { kv: names.kvDtype }),
  }
  return { kind: 'found', serving: { gpu: gpu.gpu, model: withDtypes(model.model, formats), tp: names.tp } }
}
