/** What the earlier system's donor rule looks at; engines in registration order. */
export interface KapslDonorQuery {
  readonly registered: readonly string[]
  readonly requester: string
  readonly needed: number
  readonly priority: number
  /** Lowest priority among the running sequences of each engine that reported one. */
  readonly lowestRunning: ReadonlyMap<string, number>
  readonly freeable: ReadonlyMap<string, number>
}

/**
 * The donor the earlier system would name (kapsl-llm 0.1.0, reference/prior-systems.md §2.1, K9), null when none: the registered engine
 * other than the requester with the lowest reported running priority, strictly below the request's, whose freeable bundles alone
 * are enough; the first registered of equals. It neither looks at cost nor at what the freeable bundles are running.
 */
export function kapslDonor(query: KapslDonorQuery): string | null {
  let donor: string | null = null
  let lowest = query.priority
  for (const engine of query.registered) {
    const running = query.lowestRunning.get(engine)
    const freeable = query.freeable.get(engine)
    if (engine === query.requester || running === undefined || freeable === undefined) continue
    if (running >= lowest || freeable < query.needed) continue
    donor = engine
    lowest = running
  }
  return donor
}
