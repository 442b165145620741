import { createHash } from 'node:crypto'
import { join } from 'node:path'
import {
  type CoordinatorProfile,
  coordinatorProfileSchema,
  type EngineProfile,
  engineProfileSchema,
  type GatewayProfile,
  gatewayProfileSchema,
  type LogLevel,
  type Scenario,
  type StoreAddress,
  type TpGroupProfile,
  tpGroupProfileSchema,
} from '@kvasir/contracts'
import { arbitrationOf, type ClusterPlan } from '@kvasir/simulation'
import { type Addresses, processNames } from './addresses.js'

/** A part of the cluster and what it is told at its start. */
export type Part =
  | { readonly kind: 'group'; readonly name: string; readonly profile: TpGroupProfile }
  | { readonly kind: 'coordinator'; readonly name: string; readonly profile: CoordinatorProfile }
  | { readonly kind: 'engine'; readonly name: string; readonly profile: EngineProfile }
  | { readonly kind: 'gateway'; readonly name: string; readonly profile: GatewayProfile }

export interface PartOptions {
  readonly scenario: Scenario
  readonly plan: ClusterPlan
  readonly addresses: Addresses
  readonly coordinators: number
  readonly store: StoreAddress
  /** Folder of sockets and journals. */
  readonly folder: string
  readonly speedUp: number
  readonly log: LogLevel
}

/** Of what a cluster's data must not be used for another one: names, pools and architectures. */
export function clusterKey({ name, pools, models, engines }: ClusterPlan): string {
  const facts = [pools, models.map(({ name, architecture }) => [name, architecture]), engines]
  const hash = createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 8)
  return `${name.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 12)}-${hash}`
}

/** Every process of a cluster, in the order in which they are started. */
export function partsOf(options: PartOptions): readonly Part[] {
  const names = processNames(options.plan, options.coordinators)
  return [
    ...options.plan.pools.map(
      (_, i): Part => ({
        kind: 'group',
        name: names.groups[i],
        profile: groupProfile(options, i),
      }),
    ),
    ...names.coordinators.map(
      (name): Part => ({
        kind: 'coordinator',
        name,
        profile: coordinatorProfile(options, name),
      }),
    ),
    ...options.plan.engines.map(
      (_, i): Part => ({
        kind: 'engine',
        name: names.engines[i],
        profile: engineProfile(options, i),
      }),
    ),
    { kind: 'gateway', name: 'gateway', profile: gatewayProfile(options) },
  ]
}

function httpAt(port: number) {
  return { host: '127.0.0.1', port }
}

/** Where a coordinator serves engines in other languages. Short, and no pool is called so: its socket lies in the same folder. */
function grpcSocket(folder: string, coordinator: string): string {
  return join(folder, `rpc+${coordinator.replace('coordinator-', '')}.sock`)
}

function deviceAddress({ folder }: PartOptions, pool: string): string {
  return `unix:${join(folder, `${pool}.sock`)}`
}

function groupProfile(options: PartOptions, index: number): TpGroupProfile {
  const { plan, addresses, folder, speedUp, log } = options
  const { id, gpu, tp, bundles } = plan.pools[index]
  return tpGroupProfileSchema.parse({
    group: id,
    gpu,
    tp,
    bundles,
    arbitration: arbitrationOf(plan.policy),
    speedUp,
    listen: deviceAddress(options, id),
    journal: join(folder, `${id}.journal`),
    http: httpAt(addresses.port(`group-${id}`)),
    log,
  })
}

function coordinatorProfile(options: PartOptions, coordinator: string): CoordinatorProfile {
  const { scenario, plan, addresses, store, folder, log } = options
  return coordinatorProfileSchema.parse({
    coordinator,
    pools: plan.pools.map((pool) => ({ ...pool, device: deviceAddress(options, pool.id) })),
    models: plan.models.map(({ name, architecture, terms }) => ({
      name,
      architecture,
      ...terms,
      serving: servingOf(scenario, name),
      pools: plan.engines.filter(({ model }) => model === name).map(({ pool }) => pool),
    })),
    policy: plan.policy,
    settings: plan.settings,
    clusterShares: plan.clusterShares,
    store,
    http: httpAt(addresses.port(coordinator)),
    grpc: { socket: grpcSocket(folder, coordinator) },
    log,
  })
}

function engineProfile(options: PartOptions, index: number): EngineProfile {
  const { scenario, plan, addresses, store, log } = options
  const { id, model: name, pool: poolId } = plan.engines[index]
  const model = plan.models.find((candidate) => candidate.name === name)
  const pool = plan.pools.find((candidate) => candidate.id === poolId)
  const neighbours = plan.engines.filter((engine) => engine.pool === poolId)
  const weightOf = (wanted: string) =>
    plan.models.find((candidate) => candidate.name === wanted)?.terms.weight ?? 1
  const weights = neighbours.reduce((sum, engine) => sum + weightOf(engine.model), 0)
  return engineProfileSchema.parse({
    engine: id,
    model: { name, architecture: model?.architecture },
    pool,
    limit: model?.terms.limit,
    share: weightOf(name) / weights,
    slo: { ...scenario.slo, ...scenario.models.find((spec) => spec.name === name)?.slo },
    serving: servingOf(scenario, name),
    policy: plan.policy,
    settings: plan.settings,
    device: deviceAddress(options, poolId),
    store,
    http: httpAt(addresses.port(id)),
    log,
  })
}

/** How a model's engines schedule: what the file says of all of them, then of this one. */
function servingOf(scenario: Scenario, name: string) {
  return { ...scenario.engine, ...scenario.models.find((model) => model.name === name)?.engine }
}

/** Those of the file are known from the start; who joins later, the coordinators say. */
function gatewayProfile({ plan, addresses, coordinators, log }: PartOptions): GatewayProfile {
  const names = processNames(plan, coordinators).coordinators
  return gatewayProfileSchema.parse({
    coordinators: names.map((name) => `http://127.0.0.1:${addresses.port(name)}`),
    engines: plan.engines.map(({ id, model }) => ({
      engine: id,
      model,
      url: `http://127.0.0.1:${addresses.port(id)}`,
    })),
    dispatch: plan.dispatch,
    http: httpAt(addresses.gateway),
    log,
  })
}

/** Where a part answers HTTP. */
export function urlOf({ profile }: Part): string {
  return `http://${profile.http.host}:${profile.http.port}`
}
