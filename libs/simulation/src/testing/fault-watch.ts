import { UNCLAIMED } from '@kvasir/coordinator-core'
import { invariant } from '@kvasir/kernel'
import type { DeviceHost, EngineHost } from '../build.js'
import type { Simulation } from '../simulation.js'

/** What holds between the processes of one pool while any of them may be gone (as `LivePool` looks at it). */
export function inspectAmongFaults(simulation: Simulation, device: DeviceHost): void {
  if (simulation.plan.policy === 'uncoordinated') return
  const engines = simulation.engines.filter((engine) => engine.device === device)
  inspectRights(simulation, device, engines)
  inspectLedger(simulation, device)
}

/** What engines may touch by their own account is never more than there is. Old words the group refuses; an ended lease maps no more. */
function inspectRights(simulation: Simulation, device: DeviceHost, engines: readonly EngineHost[]): void {
  const { nowUs } = simulation
  const parts = engines.map((engine) => {
    const { leaveUs = Infinity } = engine.plan
    // Who has left touches nothing, whether or not the group could be told.
    if (nowUs >= leaveUs) return 0
    const mine = ownMapped(device, engine)
    const { lease } = engine.machine
    const heard = !engine.dead && lease.epoch >= device.machine.epoch && nowUs < lease.expiresUs
    return heard ? Math.max(mine, lease.bundles(nowUs)) : mapped(simulation, device, engine)
  })
  const sum = parts.reduce((total, part) => total + part, 0)
  invariant(
    sum <= device.plan.bundles,
    () =>
      `${device.plan.id}: at ${nowUs} us engines may use ${parts.join(' + ')} of ${device.plan.bundles} bundles: ${storyOf(nowUs, device, engines)}`,
  )
}

/** Of the run that lives: a group that was down and is back still names those of earlier runs, which gave up what it could not hear. */
function ownMapped(device: DeviceHost, engine: EngineHost): number {
  const { id } = engine.plan
  const own = !engine.dead && !device.down && device.machine.incarnationOf(id) === engine.incarnation
  return own ? device.machine.mappedBy(id) : 0
}

/** Whatever run mapped it. */
function mapped({ plan }: Simulation, device: DeviceHost, engine: EngineHost): number {
  const groupsFail = plan.faults?.some(({ kind }) => kind === 'group') ?? false
  return groupsFail ? ownMapped(device, engine) : device.machine.mappedBy(engine.plan.id)
}

/** An owner whom the group obeys knows of everything that is mapped. */
function inspectLedger(simulation: Simulation, device: DeviceHost): void {
  const { muted, machine, engines } = simulation.pools[device.index]
  // A group that has just been fenced by the next owner obeys this one no more.
  if (muted) return
  const { ledger, members } = machine
  ledger.audit()
  const excess = members.map(({ engine }) => {
    const host = engines.get(engine)
    const known = ledger.leasedTo(engine) + ledger.owedBy(engine) + ledger.quarantinedOf(engine)
    return host === undefined ? 0 : Math.max(0, mapped(simulation, device, host) - known)
  })
  const unknown = excess.reduce((total, part) => total + part, 0)
  invariant(
    unknown <= ledger.quarantinedOf(UNCLAIMED),
    () => `${device.plan.id}: ${excess.join(' + ')} bundles are mapped that the owner does not know of`,
  )
}

function storyOf(nowUs: number, device: DeviceHost, engines: readonly EngineHost[]): string {
  const leases = engines.map(({ plan: { id }, machine: { lease }, dead, incarnation }) => {
    const state = dead ? ' (dead)' : ''
    return `${id}/${incarnation}${state} epoch ${lease.epoch} lease ${lease.bundles(nowUs)} mapped ${device.machine.mappedBy(id)}`
  })
  return `group at epoch ${device.machine.epoch}; ${leases.join('; ')}`
}
