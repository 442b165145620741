import type { DeviceSnapshot, JournalEntry, TenantSnapshot } from '@kvasir/contracts'
import type { DeviceEffect, DeviceInput } from './device-machine.js'

/** What a step of the machine changed that must not be forgotten; undefined when nothing. */
export function journalEntryOf(
  input: DeviceInput,
  effects: readonly DeviceEffect[],
): JournalEntry | undefined {
  const refused = effects.some((effect) => effect.kind === 'refused' && effect.command === input.kind)
  if (refused) return undefined
  switch (input.kind) {
    case 'fence':
      return { kind: 'fence', epoch: input.epoch, nonce: input.nonce }
    case 'open': {
      const { engine, incarnation, share, blockBytesPerRank } = input
      return { kind: 'open', engine, incarnation, share, blockBytesPerRank }
    }
    case 'close':
      return { kind: 'close', engine: input.engine }
    case 'map': {
      const mapped = effects.find((effect) => effect.kind === 'mapped')
      return mapped && { kind: 'map', engine: input.engine, bundles: mapped.bundles }
    }
    case 'unmap':
      return { kind: 'unmap', engine: input.engine, bundles: input.bundles }
    default:
      return undefined
  }
}

/** Reads entries in the order in which they were written; `snapshot` is what they add up to. */
export class JournalReplay {
  #epoch = 0
  #nonce = 0
  readonly #tenants = new Map<string, Omit<TenantSnapshot, 'bundles'> & { readonly bundles: Set<number> }>()

  apply(entry: JournalEntry): void {
    switch (entry.kind) {
      case 'state':
        this.#epoch = entry.epoch
        this.#nonce = entry.nonce
        this.#tenants.clear()
        for (const tenant of entry.tenants)
          this.#tenants.set(tenant.engine, { ...tenant, bundles: new Set(tenant.bundles) })
        return
      case 'fence':
        this.#epoch = entry.epoch
        this.#nonce = entry.nonce
        return
      case 'open': {
        const { engine, incarnation, share, blockBytesPerRank } = entry
        // The same run over another line keeps what it has.
        if (this.#tenants.get(engine)?.incarnation === incarnation) return
        this.#tenants.set(engine, { engine, incarnation, share, blockBytesPerRank, bundles: new Set() })
        return
      }
      case 'close':
        this.#tenants.delete(entry.engine)
        return
      case 'map':
        for (const bundle of entry.bundles) this.#tenants.get(entry.engine)?.bundles.add(bundle)
        return
      case 'unmap':
        for (const bundle of entry.bundles) this.#tenants.get(entry.engine)?.bundles.delete(bundle)
    }
  }

  snapshot(): DeviceSnapshot {
    const tenants = [...this.#tenants.values()].map((tenant) => ({
      ...tenant,
      bundles: [...tenant.bundles].sort((a, b) => a - b),
    }))
    return { epoch: this.#epoch, nonce: this.#nonce, tenants }
  }
}
