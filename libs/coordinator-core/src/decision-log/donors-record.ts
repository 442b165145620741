import { type decisionColumns, type DonorsDecisionRecord } from '@kvasir/contracts'
import type {
  Counterfactual,
  Decision,
  EngineView,
  PoolView,
  ReclaimPolicy,
  ReclaimRequest,
  Standing,
  SupplyView,
} from '@kvasir/reclaim'
import type { DonorQuestion } from '../donor-question.js'
import type { PoolDecision } from '../pool-decision.js'
import type { PoolOrigin } from './pool-origin.js'

export type DonorsDecision = Extract<PoolDecision, { kind: 'donors' }>

/** A choice of donors as the log has it. */
export function recordOfDonors(origin: PoolOrigin, decision: DonorsDecision): DonorsDecisionRecord {
  const { input, answer, atUs } = decision
  const { request, view, policy, movable } = input
  return {
    kind: 'donors',
    pool: origin.pool,
    epoch: origin.epoch,
    atUs,
    request: requestRecord(request),
    observeOnly: origin.observeOnly,
    policy: policyRecord(policy),
    movable: movable === null ? null : { perRound: movable.perRound, left: movable.left },
    view: {
      epoch: view.epoch ?? null,
      bundles: view.bundles,
      free: view.free,
      engines: view.engines.map((engine: Recorded<EngineView, Column<'view'>>) => viewRow(engine)),
    },
    answer: answerOf(answer),
  }
}

/** What a recorded choice was made from. */
export function donorQuestionOf(record: DonorsDecisionRecord): DonorQuestion {
  const { atUs, request, view, policy, movable } = record
  return { request: requestOf(request), view: viewOf(atUs, view), policy, movable }
}

function requestRecord(
  request: Recorded<ReclaimRequest, keyof DonorsDecisionRecord['request']>,
): DonorsDecisionRecord['request'] {
  return {
    id: request.id,
    engine: request.engine,
    bundles: request.bundles,
    minBundles: request.minBundles ?? null,
    priority: request.priority,
    class: request.class,
    deadlineUs: request.deadlineUs ?? null,
    epoch: request.epoch ?? null,
  }
}

function policyRecord(
  policy: Recorded<ReclaimPolicy, keyof DonorsDecisionRecord['policy']>,
): DonorsDecisionRecord['policy'] {
  const { chooser, entitlementFloor, exactCellsMax } = policy
  return { chooser, entitlementFloor, exactCellsMax }
}

function requestOf(request: DonorsDecisionRecord['request']): ReclaimRequest {
  const { id, engine, bundles, minBundles, priority, deadlineUs, epoch } = request
  return {
    id,
    engine,
    bundles,
    priority,
    class: request.class,
    ...(minBundles === null ? {} : { minBundles }),
    ...(deadlineUs === null ? {} : { deadlineUs }),
    ...(epoch === null ? {} : { epoch }),
  }
}

function viewOf(nowUs: number, view: DonorsDecisionRecord['view']): PoolView {
  const { epoch, bundles, free } = view
  const engines = view.engines.map(engineOf)
  return { nowUs, bundles, free, engines, ...(epoch === null ? {} : { epoch }) }
}

type ViewRow = DonorsDecisionRecord['view']['engines'][number]
type SupplyRow = ViewRow[14][number]
type StandingRow = NonNullable<ViewRow[13]>

type Column<Rows extends keyof typeof decisionColumns> = (typeof decisionColumns)[Rows][number]

/** A field of an input that has no place in the record would be lost on replay: the compiler says so by `never`. */
type Recorded<Fields, Names> = [Exclude<keyof Fields, Names>] extends [never] ? Fields : never

function viewRow(engine: EngineView): ViewRow {
  return [
    engine.id,
    engine.weight,
    engine.guarantee,
    limited(engine.limit),
    engine.entitlement,
    engine.leased,
    engine.inUse,
    engine.incoming ?? 0,
    engine.state,
    engine.boost ?? 0,
    engine.preemptible ?? true,
    engine.protected ?? false,
    engine.supplyKind ?? 'curve',
    engine.standing === undefined ? null : standingRow(engine.standing),
    engine.supply.map(supplyRow),
  ]
}

function engineOf(row: ViewRow): EngineView {
  const standing = row[13]
  return {
    id: row[0],
    weight: row[1],
    guarantee: row[2],
    limit: row[3] ?? Infinity,
    entitlement: row[4],
    leased: row[5],
    inUse: row[6],
    incoming: row[7],
    state: row[8],
    boost: row[9],
    preemptible: row[10],
    protected: row[11],
    supplyKind: row[12],
    supply: row[14].map(supplyOf),
    ...(standing === null ? {} : { standing: standingOf(standing) }),
  }
}

function standingRow(standing: Recorded<Standing, Column<'standing'>>): StandingRow {
  return [standing.cooldownInUs, standing.closesCycle, standing.evictionsLeft]
}

function standingOf([cooldownInUs, closesCycle, evictionsLeft]: StandingRow): Standing {
  return { cooldownInUs, closesCycle, evictionsLeft }
}

function supplyRow(point: Recorded<SupplyView, Column<'supply'>>): SupplyRow {
  return [point.priority, point.bundles, point.costUs, point.eligibleInUs ?? 0, point.protected ?? false]
}

function supplyOf([priority, bundles, costUs, eligibleInUs, isProtected]: SupplyRow): SupplyView {
  return { priority, bundles, costUs, eligibleInUs, protected: isProtected }
}

type AnswerRecord = DonorsDecisionRecord['answer']

function answerOf(decision: Decision): AnswerRecord {
  const { numbers } = decision
  return {
    outcome: decision.outcome,
    reason: decision.reason,
    granted: decision.granted,
    fromFree: decision.fromFree,
    costUs: decision.costUs,
    exact: decision.outcome === 'denied' ? null : decision.exact,
    donors: decision.donors.map((share) => [
      share.engine,
      share.bundles,
      share.costUs,
      share.class,
      share.priorityCeiling,
    ]),
    numbers: {
      wanted: numbers.wanted,
      least: numbers.least,
      total: numbers.total,
      free: numbers.free,
      unused: numbers.unused,
      reclaimable: numbers.reclaimable,
      held: numbers.held,
      limit: limited(numbers.limit),
      entitlement: numbers.entitlement,
    },
    explanation: decision.explanation,
    counterfactual: counterfactualOf(decision.counterfactual),
  }
}

/** The text last, whatever order its maker chose: equal decisions have equal bytes. */
function counterfactualOf({ text, ...rest }: Counterfactual): AnswerRecord['counterfactual'] {
  return { ...rest, text }
}

/** JSON has no Infinity. */
function limited(limit: number): number | null {
  return limit === Infinity ? null : limit
}
