import type { CoordinatorProfile } from '@kvasir/contracts'
import { CLUSTER_ACTOR } from '@kvasir/coordinator-core'
import { Controller, Get, Inject } from '@nestjs/common'
import type { ClusterReader } from '../desk/cluster-reader.js'
import { Refusal } from '../desk/refusal.js'
import type { Office, Offices } from '../offices.js'
import { OFFICES, PROFILE, READER } from './tokens.js'

export interface CoordinatorHealth {
  readonly coordinator: string
  readonly store: 'reachable' | 'away'
  /** What this process owns. */
  readonly offices: readonly Office[]
}

@Controller()
export class HealthController {
  readonly #profile: CoordinatorProfile
  readonly #reader: ClusterReader
  readonly #offices: Offices

  constructor(
    @Inject(PROFILE) profile: CoordinatorProfile,
    @Inject(READER) reader: ClusterReader,
    @Inject(OFFICES) offices: Offices,
  ) {
    this.#profile = profile
    this.#reader = reader
    this.#offices = offices
  }

  /** This process is well, whatever the store is. */
  @Get('health')
  async health(): Promise<CoordinatorHealth> {
    const store = await this.#reader.ownership(CLUSTER_ACTOR).then(
      () => 'reachable' as const,
      () => 'away' as const,
    )
    return { coordinator: this.#profile.coordinator, store, offices: this.#offices.held }
  }

  /** The store answers, and every pool and the cluster have an owner, whoever it is. */
  @Get('ready')
  async ready(): Promise<CoordinatorHealth> {
    const actors = [CLUSTER_ACTOR, ...this.#reader.pools]
    const owners = await Promise.all(actors.map((actor) => this.#reader.ownership(actor)))
    const vacant = actors.filter((_, i) => (owners[i]?.by ?? '') === '')
    if (vacant.length > 0) throw Refusal.unavailable(`nobody owns ${vacant.join(', ')} yet`)
    return this.health()
  }
}
