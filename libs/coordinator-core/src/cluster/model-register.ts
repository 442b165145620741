import type { ModelChange } from '@kvasir/contracts'
import { compareIds } from '@kvasir/kernel'

/** What became of an operator's change. */
export type ChangeAnswer =
  | { readonly kind: 'accepted'; readonly revision: number }
  /** The same change, again. */
  | { readonly kind: 'unchanged'; readonly revision: number }
  /** A newer one, or another one of that revision, has been accepted: read `revision` and decide anew. */
  | { readonly kind: 'stale' | 'conflict'; readonly revision: number }

/** The newest change of every model that was ever changed through the cluster. */
export class ModelRegister {
  readonly #byModel: Map<string, ModelChange>

  constructor(changes: readonly ModelChange[]) {
    this.#byModel = new Map(changes.map((change) => [change.model, change]))
  }

  find(model: string): ModelChange | undefined {
    return this.#byModel.get(model)
  }

  /** Sorted by model. */
  get changes(): readonly ModelChange[] {
    return [...this.#byModel.values()].sort((a, b) => compareIds(a.model, b.model))
  }

  change(change: ModelChange): ChangeAnswer {
    const known = this.#byModel.get(change.model)
    const revision = known?.revision ?? 0
    if (change.revision < revision) return { kind: 'stale', revision }
    if (known && change.revision === revision)
      return { kind: saysTheSame(known, change) ? 'unchanged' : 'conflict', revision }
    this.#byModel.set(change.model, change)
    return { kind: 'accepted', revision: change.revision }
  }
}

function saysTheSame(a: ModelChange, b: ModelChange): boolean {
  const { terms } = a
  return (
    a.draining === b.draining &&
    a.removed === b.removed &&
    a.architecture === b.architecture &&
    terms.weight === b.terms.weight &&
    terms.guarantee === b.terms.guarantee &&
    terms.limit === b.terms.limit &&
    terms.priority === b.terms.priority &&
    terms.preemptible === b.terms.preemptible &&
    terms.group === b.terms.group
  )
}
