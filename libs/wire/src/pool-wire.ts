import {
  type DenialReason,
  denialReasonSchema,
  type EngineDocument,
  type EngineMessage,
  type Heartbeat,
  type PreemptionOutcome,
  type PreemptionRequest,
  type ReclaimOrder,
} from '@kvasir/contracts'
import { WireError } from './device-wire.js'
import type { Sender } from './generated/kvasir/device/v1/device.js'
import {
  type Document,
  type Heartbeat as WireHeartbeat,
  type PoolSessionRequest,
  PreemptionClass,
  type PreemptionOutcome as WireOutcome,
  type ReclaimOrder as WireOrder,
} from './generated/kvasir/v1/pool.js'

type Said = Exclude<PoolSessionRequest['message'], { $case: 'attach' } | undefined>

// What an engine and the owner of its pool say to each other, by how the wire calls it. A session has one engine: who speaks is said
// once, and not with every message.

/** What an attached engine says. Numbers are not judged here: the schema of contracts does. @throws {WireError} when a part is missing. */
export function engineMessageIn(said: Said, { engine, incarnation }: Sender): EngineMessage {
  const sender = { engine, incarnation }
  switch (said.$case) {
    case 'join':
      return { kind: 'join', ...sender, number: said.value.number, model: said.value.model }
    case 'leave':
      return { kind: 'leave', ...sender, number: said.value.number }
    case 'request':
      return { kind: 'request', ...sender, ...said.value, class: classIn(said.value.class) }
    case 'cancel':
      return { kind: 'cancel', ...sender, number: said.value.number, id: said.value.id }
    case 'heartbeat':
      return heartbeatIn(said.value, sender)
  }
}

function heartbeatIn(said: WireHeartbeat, sender: Sender): Heartbeat {
  const { demand, fragmentation, growth, lowestPriority, url, ...rest } = said
  if (!demand) throw new WireError('heartbeat: demand is missing')
  return {
    kind: 'heartbeat',
    ...sender,
    ...rest,
    demand,
    ...(fragmentation === undefined ? {} : { fragmentation }),
    ...(growth === undefined ? {} : { growth }),
    lowestPriority: lowestPriority ?? null,
    ...(url === undefined ? {} : { url }),
  }
}

/** The other way: for engines that speak through a coordinator. */
export function wireEngineMessage(message: EngineMessage): Said {
  switch (message.kind) {
    case 'join':
      return { $case: 'join', value: { number: message.number, model: message.model } }
    case 'leave':
      return { $case: 'leave', value: { number: message.number } }
    case 'request': {
      const { kind: _kind, engine: _engine, incarnation: _incarnation, ...value } = message
      return { $case: 'request', value: { ...value, class: classes[message.class] } }
    }
    case 'cancel':
      return { $case: 'cancel', value: { number: message.number, id: message.id } }
    case 'heartbeat': {
      const { kind: _kind, engine: _engine, incarnation: _incarnation, ...said } = message
      const { fragmentation, growth, lowestPriority, url } = said
      return {
        $case: 'heartbeat',
        value: { ...said, fragmentation, growth, lowestPriority: lowestPriority ?? undefined, url },
      }
    }
  }
}

const classes: { readonly [name in PreemptionRequest['class']]: PreemptionClass } = {
  auto: PreemptionClass.AUTO,
  entitlement: PreemptionClass.ENTITLEMENT,
  priority: PreemptionClass.PRIORITY,
}

function classIn(wire: PreemptionClass): PreemptionRequest['class'] {
  switch (wire) {
    case PreemptionClass.AUTO:
    case PreemptionClass.UNSPECIFIED:
      return 'auto'
    case PreemptionClass.ENTITLEMENT:
      return 'entitlement'
    case PreemptionClass.PRIORITY:
      return 'priority'
    default:
      throw new WireError(`request: class is ${wire}; it must be a PreemptionClass`)
  }
}

export function wireDocument({ engine: _engine, reclaims, outcomes, ...document }: EngineDocument): Document {
  return {
    ...document,
    priority: document.priority,
    reclaims: reclaims.map(wireOrder),
    outcomes: outcomes.map(wireOutcome),
  }
}

/** @param engine whom the session is for. @throws {WireError} when a part is missing. */
export function documentIn(document: Document, engine: string): EngineDocument {
  const { budget, reclaims, outcomes, priority, ...rest } = document
  if (!budget) throw new WireError('document: budget is missing')
  return {
    engine,
    ...rest,
    ...(priority === undefined ? {} : { priority }),
    budget,
    reclaims: reclaims.map(orderIn),
    outcomes: outcomes.map(outcomeIn),
  }
}

function wireOrder({ request, bundles, victimsBelow }: ReclaimOrder): WireOrder {
  if (victimsBelow === undefined) return { request, bundles, victims: undefined }
  if (victimsBelow === null) return { request, bundles, victims: { $case: 'any', value: {} } }
  return { request, bundles, victims: { $case: 'below', value: victimsBelow } }
}

function orderIn({ request, bundles, victims }: WireOrder): ReclaimOrder {
  if (victims === undefined) return { request, bundles }
  return { request, bundles, victimsBelow: victims.$case === 'any' ? null : victims.value }
}

function wireOutcome(outcome: PreemptionOutcome): WireOutcome {
  const { id } = outcome
  switch (outcome.kind) {
    case 'granted':
      return { id, outcome: { $case: 'granted', value: outcome.bundles } }
    case 'granted_partial':
      return { id, outcome: { $case: 'grantedPartial', value: outcome.bundles } }
    case 'denied':
      return { id, outcome: { $case: 'denied', value: outcome.reason } }
    case 'expired':
      return { id, outcome: { $case: 'expired', value: {} } }
  }
}

function outcomeIn({ id, outcome }: WireOutcome): PreemptionOutcome {
  switch (outcome?.$case) {
    case 'granted':
      return { kind: 'granted', id, bundles: outcome.value }
    case 'grantedPartial':
      return { kind: 'granted_partial', id, bundles: outcome.value }
    case 'denied':
      return { kind: 'denied', id, reason: reasonNamed(outcome.value) }
    case 'expired':
      return { kind: 'expired', id, reason: 'cancelled' }
    case undefined:
      throw new WireError(`outcome of ${id}: it is missing`)
  }
}

function reasonNamed(name: string): DenialReason {
  const known = denialReasonSchema.options.find((reason) => reason === name)
  if (known === undefined) throw new WireError(`a reason that is not known: "${name}"`)
  return known
}
