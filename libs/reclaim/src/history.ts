import { compareIds, invariant, type Micros, MICROS_PER_SECOND } from '@kvasir/kernel'
import type { Standing } from './pool-view.js'

export interface HistorySettings {
  /** After an eviction neither of the pair may evict the other for so long. */
  readonly cooldownUs: Micros
  /** How long "who evicted whom" counts for cycles, budgets and boosts. */
  readonly memoryUs: Micros
  /** An engine's effective priority rises by one for every so many evictions it suffered within the memory. */
  readonly boostEvery: number
  readonly boostMax: number
  /** Most evictions an engine suffers within the memory. */
  readonly evictionsMax: number
  /** How long an engine must have been short of memory before lower work stops for it; 0: it need not wait. */
  readonly requesterDelayUs: Micros
  /** An engine that has not asked for so long is no longer short of memory. */
  readonly shortageGapUs: Micros
}

/** Edge life of 60 s and a boost every 3 evictions: reference/coordination.md §5.3. */
export const DEFAULT_HISTORY: HistorySettings = {
  cooldownUs: MICROS_PER_SECOND / 2,
  memoryUs: 60 * MICROS_PER_SECOND,
  boostEvery: 3,
  boostMax: 3,
  evictionsMax: 30,
  requesterDelayUs: 0,
  shortageGapUs: 2 * MICROS_PER_SECOND,
}

/** The requester had work of the donor stopped. */
export interface Eviction {
  readonly requester: string
  readonly donor: string
  readonly atUs: Micros
}

interface Shortage {
  readonly sinceUs: Micros
  readonly askedUs: Micros
}

/**
 * Who evicted whom of late, so that preemption does not run in circles. Told the time, keeps no clock; plain data to snapshot. Times
 * must not run backwards.
 */
export class PreemptionHistory {
  readonly #settings: HistorySettings
  /** Oldest first. */
  #evictions: Eviction[] = []
  /** By engine. */
  readonly #shortages = new Map<string, Shortage>()

  constructor(settings: HistorySettings = DEFAULT_HISTORY) {
    this.#settings = settings
  }

  record(eviction: Eviction): void {
    const last = this.#evictions[this.#evictions.length - 1]
    invariant(
      last === undefined || eviction.atUs >= last.atUs,
      () => `eviction at ${eviction.atUs} us after one at ${last.atUs} us`,
    )
    this.#forgetBefore(eviction.atUs)
    this.#evictions.push(eviction)
  }

  /** The engine asked for memory that was neither free nor unused. */
  lacked(engine: string, atUs: Micros): void {
    const { sinceUs } = this.#shortageOf(engine, atUs) ?? { sinceUs: atUs }
    this.#shortages.set(engine, { sinceUs, askedUs: atUs })
  }

  /** The engine was granted what it asked for, or as much as there was. */
  eased(engine: string): void {
    this.#shortages.delete(engine)
  }

  /** How each engine stands towards one requester, itself included; engines without an entry have no history. */
  standings(requester: string, nowUs: Micros): ReadonlyMap<string, Standing> {
    const recent = this.#recent(nowUs)
    const ancestors = evictedTowards(requester, recent)
    const standings = new Map<string, Standing>()
    const delayUs = this.#delayOf(requester, nowUs)
    const names = namesIn(recent)
    for (const engine of delayUs > 0 && !names.includes(requester) ? [...names, requester] : names)
      standings.set(engine, {
        cooldownInUs: engine === requester ? delayUs : this.#cooldownIn(requester, engine, recent, nowUs),
        closesCycle: engine !== requester && ancestors.has(engine),
        evictionsLeft: Math.max(0, this.#settings.evictionsMax - sufferedBy(engine, recent)),
      })
    return standings
  }

  /** What is added to the engine's priorities, as a victim and as a requester. */
  boostOf(engine: string, nowUs: Micros): number {
    const { boostEvery, boostMax } = this.#settings
    return Math.min(boostMax, Math.floor(sufferedBy(engine, this.#recent(nowUs)) / boostEvery))
  }

  /** Evictions alone: who was short of memory starts to wait again. */
  snapshot(): readonly Eviction[] {
    return [...this.#evictions]
  }

  static restore(
    evictions: readonly Eviction[],
    settings: HistorySettings = DEFAULT_HISTORY,
  ): PreemptionHistory {
    const history = new PreemptionHistory(settings)
    for (const eviction of evictions) history.record(eviction)
    return history
  }

  /** How much longer the engine must be short of memory before lower work stops for it. A short squeeze passes by itself. */
  #delayOf(engine: string, nowUs: Micros): Micros {
    const { sinceUs } = this.#shortageOf(engine, nowUs) ?? { sinceUs: nowUs }
    return Math.max(0, sinceUs + this.#settings.requesterDelayUs - nowUs)
  }

  #shortageOf(engine: string, nowUs: Micros): Shortage | undefined {
    const shortage = this.#shortages.get(engine)
    return shortage && nowUs - shortage.askedUs <= this.#settings.shortageGapUs ? shortage : undefined
  }

  #recent(nowUs: Micros): readonly Eviction[] {
    return this.#evictions.filter(({ atUs }) => nowUs - atUs < this.#settings.memoryUs)
  }

  #forgetBefore(nowUs: Micros): void {
    const horizon = Math.max(this.#settings.memoryUs, this.#settings.cooldownUs)
    this.#evictions = this.#evictions.filter(({ atUs }) => nowUs - atUs < horizon)
  }

  #cooldownIn(requester: string, engine: string, recent: readonly Eviction[], nowUs: Micros): Micros {
    let until = nowUs
    for (const { requester: by, donor, atUs } of recent)
      if ((by === requester && donor === engine) || (by === engine && donor === requester))
        until = Math.max(until, atUs + this.#settings.cooldownUs)
    return until - nowUs
  }
}

/** Engines from which a chain of evictions leads to `target`: evicting one of them would close a circle. */
function evictedTowards(target: string, evictions: readonly Eviction[]): ReadonlySet<string> {
  const reached = new Set([target])
  // Sets grow while they are walked: every engine is expanded once.
  for (const victim of reached)
    for (const { requester, donor } of evictions) if (donor === victim) reached.add(requester)
  return reached
}

function sufferedBy(engine: string, evictions: readonly Eviction[]): number {
  return evictions.reduce((count, { donor }) => count + (donor === engine ? 1 : 0), 0)
}

function namesIn(evictions: readonly Eviction[]): readonly string[] {
  return [...new Set(evictions.flatMap(({ requester, donor }) => [requester, donor]))].sort(compareIds)
}
