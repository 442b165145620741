import type {
  EngineTerms,
  ModelPatch,
  ModelStatus,
  PoolOrders,
  PoolStatus,
  PoolView,
} from '@kvasir/contracts'
import { WireError } from './device-wire.js'
import type {
  Model,
  Orders,
  PatchModelRequest,
  Pool,
  PoolEvent,
  Terms,
} from './generated/kvasir/v1/coordinator.js'

// What operators and coordinators say, by how the wire calls it. Engines and budgets have the same fields on both sides.

export function wireModel(status: ModelStatus): Model {
  const { name, architecture, revision, draining, engines, ...terms } = status
  return { name, architecture, revision, terms: wireTerms(terms), draining, engines }
}

function wireTerms({ weight, guarantee, limit, priority, preemptible, group }: EngineTerms): Terms {
  return { weight, guarantee, limit, priority, preemptible, group }
}

/** All of a model's terms: protobuf does not tell what was left out, so nothing has a default. @throws {WireError} when there are none. */
export function termsIn(terms: Terms | undefined): EngineTerms {
  if (terms === undefined)
    throw new WireError('terms are missing; they must say weight, guarantee, limit, priority and preemptible')
  return withoutUndefined(terms)
}

export function patchIn({ name: _name, revision: _revision, ...patch }: PatchModelRequest): ModelPatch {
  return withoutUndefined(patch)
}

export function wirePool({ owner, ...pool }: PoolStatus): Pool {
  return { ...pool, owner: owner ?? undefined }
}

export function wireView({ pool, engines, budgets, conditions }: PoolView): PoolEvent {
  return { pool: { ...pool, owner: undefined }, engines, budgets, conditions }
}

export function wireOrders({ revision, policy, observeOnly }: PoolOrders): Orders {
  return { revision, policy, observeOnly }
}

type Given<T> = { [Key in keyof T]: Exclude<T[Key], undefined> }

/** Contracts tell what is absent from what is undefined. */
function withoutUndefined<T extends object>(value: T): Given<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Given<T>
}
