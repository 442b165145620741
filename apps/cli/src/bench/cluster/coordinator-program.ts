import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { CoordinatorProfile } from '@kvasir/contracts'
import { type Device, SimulatedGroup, StepCosts } from '@kvasir/devices'
import { knownGpu } from '@kvasir/hardware'
import type { Running } from '@kvasir/platform'

/** What the bench tells a coordinator's process, and hears from it. */
export type ToCoordinator =
  | { readonly kind: 'start'; readonly profile: CoordinatorProfile }
  | { readonly kind: 'cpu' }
  | { readonly kind: 'stop' }
export type FromCoordinator = { readonly kind: 'owns' } | { readonly kind: 'cpu'; readonly us: number }

type RunningCoordinator = Running & { readonly offices: { readonly held: readonly unknown[] } }

/** Apps are not libraries: this one is found by its place, as the supervisor finds it. */
const app = pathToFileURL(
  join(fileURLToPath(new URL('../../../../', import.meta.url)), 'coordinator/dist/start.js'),
)

let running: RunningCoordinator | undefined

async function begin(profile: CoordinatorProfile): Promise<void> {
  const { start } = (await import(app.href)) as {
    start(profile: CoordinatorProfile, around: object): Promise<RunningCoordinator>
  }
  const devices = new Map<string, Device>(
    profile.pools.map(({ id, gpu, tp, bundles }) => {
      const costs = new StepCosts(knownGpu(gpu), tp)
      const machine = { bundles, arbitration: 'claims', gpu: knownGpu(gpu) } as const
      return [id, new SimulatedGroup({ machine, costOf: (open) => costs.of(open), speedUp: 1 })]
    }),
  )
  running = await start(profile, { devices })
  while (running.offices.held.length < profile.pools.length + 1) await sleep(20)
  tell({ kind: 'owns' })
}

function tell(message: FromCoordinator): void {
  process.send?.(message)
}

process.on('message', (message: ToCoordinator) => {
  if (message.kind === 'start') void begin(message.profile)
  if (message.kind === 'cpu') {
    const { user, system } = process.cpuUsage()
    tell({ kind: 'cpu', us: user + system })
  }
  if (message.kind === 'stop') void running?.stop().then(() => process.exit(0))
})
process.on('disconnect', () => process.exit(0))
