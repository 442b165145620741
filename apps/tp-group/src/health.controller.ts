import type { SimulatedGroup } from '@kvasir/devices'
import { Controller, Get, Inject } from '@nestjs/common'

export const GROUP = Symbol('group')
export const GROUP_NAME = Symbol('group name')

export interface GroupHealth {
  readonly group: string
  readonly epoch: number
  readonly bundles: { readonly total: number; readonly free: number }
  readonly engines: readonly {
    readonly engine: string
    readonly incarnation: number
    readonly bundles: number
  }[]
}

@Controller()
export class HealthController {
  readonly #name: string
  readonly #group: SimulatedGroup

  constructor(@Inject(GROUP_NAME) name: string, @Inject(GROUP) group: SimulatedGroup) {
    this.#name = name
    this.#group = group
  }

  @Get(['health', 'ready'])
  health(): GroupHealth {
    const { machine } = this.#group
    const { epoch, tenants } = machine.snapshot()
    const { total, free } = machine.bundles
    const engines = tenants.map(({ engine, incarnation, bundles }) => ({
      engine,
      incarnation,
      bundles: bundles.length,
    }))
    return { group: this.#name, epoch, bundles: { total, free }, engines }
  }
}
