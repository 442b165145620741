import type { TpGroupProfile } from '@kvasir/contracts'
import { FileHistory, FileJournal, SimulatedGroup, StepCosts } from '@kvasir/devices'
import { gpuByName, type Gpu } from '@kvasir/hardware'
import { ProfileError } from '@kvasir/platform'

/** A simulated TP group as its profile says, with what it knew when it was stopped. */
export interface OpenedGroup {
  readonly group: SimulatedGroup
  close(): void
}

/** @throws {ProfileError} @throws {OperationalError} when the journal cannot be used. */
export function openGroup(profile: TpGroupProfile): OpenedGroup {
  const gpu = gpuOf(profile)
  const { journal, snapshot } = FileJournal.open(profile.journal)
  const unknown = snapshot.tenants.flatMap(({ bundles }) =>
    bundles.filter((bundle) => bundle >= profile.bundles),
  )
  if (unknown.length > 0) {
    journal.close()
    throw new ProfileError([
      `bundles is ${profile.bundles}; it must be above ${Math.max(...unknown)}, a bundle that ${profile.journal} has as mapped`,
    ])
  }
  const costs = new StepCosts(gpu, profile.tp)
  const history = profile.history === undefined ? undefined : new FileHistory(profile.history)
  const group = new SimulatedGroup({
    machine: { bundles: profile.bundles, arbitration: profile.arbitration, gpu, restored: snapshot },
    costOf: (open) => costs.of(open),
    speedUp: profile.speedUp,
    journal,
    ...(history === undefined ? {} : { history }),
  })
  const close = () => {
    group.close()
    journal.close()
    history?.close()
  }
  return { group, close }
}

function gpuOf({ gpu }: TpGroupProfile): Gpu {
  const found = gpuByName(gpu)
  if (found.kind === 'found') return found.gpu
  throw new ProfileError([
    `gpu is "${gpu}"; it must be a GPU of the catalogue, such as ${found.near.join(', ')}`,
  ])
}
