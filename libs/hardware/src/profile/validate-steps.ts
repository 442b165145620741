import { accuracyOf } from './accuracy.js'
import { fitSteps } from './fit-profile.js'
import type { StepProfile } from './kernel-profile.js'
import type { MeasuredTable } from './measured-table.js'
import { dgxCost, dgxSteps, type StepPoint } from './step-sets.js'
import type { SetAccuracy } from './validate-kernels.js'

interface Machine {
  readonly gpu: string
  readonly hardware: string
  readonly ceilings?: { readonly decode: number; readonly prefill: number }
}

const machines: readonly Machine[] = [
  { gpu: 'H100', hardware: 'h100-80gb', ceilings: { decode: 0.025, prefill: 0.05 } },
  { gpu: 'A100-80GB', hardware: 'a100-80gb' },
]

/** The DGX table of Splitwise: whole steps of an eager engine, fitted, and each number of ranks by the other two. */
export function validateSteps(table: MeasuredTable | undefined): readonly SetAccuracy[] {
  if (table === undefined) return []
  return machines.flatMap(({ gpu, hardware, ceilings }) => {
    const steps = dgxSteps(table, hardware)
    const results: SetAccuracy[] = []
    for (const phase of ['decode', 'prefill'] as const) {
      const own = steps.filter((step) => step.phase === phase)
      const ceiling = ceilings === undefined ? {} : { ceiling: ceilings[phase] }
      const set = `${gpu} DGX steps, ${phase}`
      results.push({ ...accuracy(gpu, own), set, basis: 'fitted', ...ceiling })
      for (const tp of [2, 4, 8]) {
        const profile = fitSteps(
          { gpu, source: '', fittedOn: '' },
          steps.filter((step) => step.tp !== tp),
        )
        const heldOut = `TP ${tp}, by the other two`
        const unseen = own.filter((step) => step.tp === tp)
        results.push({ ...accuracy(gpu, unseen, profile), set, basis: 'held-out', heldOut })
      }
    }
    return results
  })
}

function accuracy(gpu: string, steps: readonly StepPoint[], profile?: StepProfile) {
  const costs = new Map([2, 4, 8].map((tp) => [tp, dgxCost(gpu, tp, profile)]))
  return accuracyOf(
    steps.map((step) => ({
      measuredUs: step.us,
      predictedUs: costs.get(step.tp)?.stepUs(step.shape) ?? Number.NaN,
      at: () =>
        `TP ${step.tp}, ${step.sequences} x ${step.promptTokens}${step.phase === 'decode' ? ` + ${step.outputTokens}` : ''}`,
    })),
  )
}
