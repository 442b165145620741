import {
  type EngineTerms,
  type ModelChange,
  type ModelPatch,
  type ModelStatus,
  type ModelTerms,
  type OperatorAnswer,
  type PolicyName,
  type PoolOrders,
} from '@kvasir/contracts'
import { architectureProblems, termsIn } from '../pool-setup.js'
import type { ClusterReader } from './cluster-reader.js'
import type { OperatorDesk } from './operator-desk.js'
import { Refusal } from './refusal.js'

/** How often a change without a revision is made anew when another one came before it. */
const TRIES = 5

/** The revision that an operator's change was made on; undefined: whatever it is. */
export type Basis = number | undefined

/** What operators may do with models and pools. Every change names the revision it was made on, and is durable when it is answered. */
export class ModelDesk {
  readonly #reader: ClusterReader
  readonly #desk: OperatorDesk

  constructor(reader: ClusterReader, desk: OperatorDesk) {
    this.#reader = reader
    this.#desk = desk
  }

  /** @throws {Refusal} 404 when no model has this name. */
  async find(name: string): Promise<ModelStatus> {
    const models = await this.#reader.models()
    const found = models.find((model) => model.name === name)
    if (found) return found
    const known = models.map((model) => model.name).join(', ')
    throw Refusal.unknown(`model is "${name}", which is not registered; it must be one of ${known}`)
  }

  /** Registers a model, or says all its terms anew. `created`: it was not registered before. */
  async put(
    name: string,
    { architecture, ...terms }: ModelTerms,
    basis: Basis,
  ): Promise<{ readonly model: ModelStatus; readonly created: boolean }> {
    const [problem] = architecture === undefined ? [] : architectureProblems('architecture', architecture)
    if (problem !== undefined) throw Refusal.badInput(problem)
    refuseContradiction(terms)
    const known = (await this.#reader.models()).find((model) => model.name === name)
    const named = architecture ?? known?.architecture
    await this.#change(name, basis, () =>
      Promise.resolve({
        terms: termsIn(terms),
        draining: known?.draining ?? false,
        ...(named === undefined ? {} : { architecture: named }),
      }),
    )
    return { model: await this.find(name), created: known === undefined }
  }

  /** What the patch leaves out stays as it is. */
  async patch(name: string, patch: ModelPatch, basis: Basis): Promise<ModelStatus> {
    await this.#change(name, basis, async () => {
      const model = await this.find(name)
      const terms = termsIn({ ...model, ...given(patch) })
      refuseContradiction(terms)
      const { architecture } = model
      return {
        terms,
        draining: patch.draining ?? model.draining,
        ...(architecture === undefined ? {} : { architecture }),
      }
    })
    return this.find(name)
  }

  /** Registered no more. @throws {Refusal} 409 while engines serve it. */
  async remove(name: string, basis: Basis): Promise<void> {
    await this.#change(name, basis, async () => {
      const model = await this.find(name)
      if (model.engines.length > 0)
        throw Refusal.inUse(
          `model ${name} is served by ${model.engines.join(', ')}; drain it and stop these engines first`,
        )
      const { architecture } = model
      return {
        terms: termsIn(model),
        draining: true,
        removed: true,
        ...(architecture === undefined ? {} : { architecture }),
      }
    })
  }

  orders(): Promise<PoolOrders> {
    return this.#reader.orders()
  }

  async order(
    change: { readonly policy?: PolicyName; readonly observeOnly?: boolean },
    basis: Basis,
  ): Promise<PoolOrders> {
    for (let tries = 0; ; tries++) {
      const orders = await this.orders()
      if (basis !== undefined && basis !== orders.revision)
        throw Refusal.stale('the policy', basis, orders.revision)
      const wanted = { ...orders, ...change }
      if (wanted.policy === orders.policy && wanted.observeOnly === orders.observeOnly) return orders
      const answer = await this.#desk.order({ ...wanted, revision: orders.revision + 1 })
      if (isDone(answer)) return this.orders()
      if (basis !== undefined || tries === TRIES) throw Refusal.stale('the policy', basis, answer.revision)
    }
  }

  /** @param make is asked again when another change came before: it says what the change is now. */
  async #change(
    name: string,
    basis: Basis,
    make: () => Promise<Omit<ModelChange, 'model' | 'revision'>>,
  ): Promise<void> {
    for (let tries = 0; ; tries++) {
      const revision = await this.#reader.revisionOf(name)
      if (basis !== undefined && basis !== revision) throw Refusal.stale(`model ${name}`, basis, revision)
      const change = await make()
      const answer = await this.#desk.change({ model: name, revision: revision + 1, ...change })
      if (isDone(answer)) return
      if (basis !== undefined || tries === TRIES) throw Refusal.stale(`model ${name}`, basis, answer.revision)
    }
  }
}

function isDone({ kind }: OperatorAnswer): boolean {
  return kind === 'accepted' || kind === 'unchanged'
}

/** A guarantee that no engine may ever have is a mistake, whichever of the two was meant. */
function refuseContradiction({ guarantee, limit }: Pick<EngineTerms, 'guarantee' | 'limit'>): void {
  if (guarantee > limit)
    throw Refusal.badInput(`guarantee is ${guarantee}; it must be at most limit, ${limit}`)
}

/** Without what is undefined. */
function given(patch: ModelPatch): Partial<EngineTerms> {
  const { draining: _, ...terms } = patch
  return Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined))
}
