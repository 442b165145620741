import type { DecisionRecord } from '@kvasir/contracts'
import type { Micros, Tokens } from '@kvasir/kernel'

/** One request as one side saw it, the live one or the simulated one. Times are of the scenario, whatever the motion. */
export interface TwinRequest {
  readonly id: string
  readonly model: string
  readonly promptTokens: Tokens
  /** As asked for. */
  readonly outputTokens: Tokens
  /** Who served it; undefined when nobody did, or nobody said. */
  readonly engine: string | undefined
  readonly end: TwinEnd
}

export type TwinEnd =
  | {
      readonly kind: 'finished'
      readonly ttftUs: Micros
      /** Arrival to last token. */
      readonly e2eUs: Micros
      /** As counted by whoever computed them. */
      readonly tokens: Tokens
      /** As read by whoever asked. */
      readonly received: Tokens
    }
  /** `unfinished` when the run stopped before its end. */
  | { readonly kind: 'failed'; readonly reason: string }

/** What one side did with all requests. */
export interface TwinSide {
  /** In order of arrival. */
  readonly requests: readonly TwinRequest[]
  /** While they were under way. */
  readonly decisions: readonly DecisionRecord[]
}

/** Mean time per token after the first; undefined where there is none. */
export function tpotUsOf({ end }: TwinRequest): number | undefined {
  if (end.kind !== 'finished' || end.tokens < 2) return undefined
  return (end.e2eUs - end.ttftUs) / (end.tokens - 1)
}

/** A latency of a request; undefined where it has none. */
export const twinLatencies = {
  TTFT: ({ end }: TwinRequest) => (end.kind === 'finished' ? end.ttftUs : undefined),
  TPOT: tpotUsOf,
  E2E: ({ end }: TwinRequest) => (end.kind === 'finished' ? end.e2eUs : undefined),
} as const satisfies Readonly<Record<string, (request: TwinRequest) => number | undefined>>

export type TwinLatencyName = keyof typeof twinLatencies

export const twinLatencyNames: readonly TwinLatencyName[] = ['TTFT', 'TPOT', 'E2E']

/** The same request on both sides. */
export interface TwinPair {
  readonly live: TwinRequest
  readonly simulated: TwinRequest
}

/** Requests by id, in the order of the live side; those that only one side knows are left out. */
export function pairsOf(
  live: readonly TwinRequest[],
  simulated: readonly TwinRequest[],
): readonly TwinPair[] {
  const byId = new Map(simulated.map((request) => [request.id, request]))
  return live.flatMap((request) => {
    const twin = byId.get(request.id)
    return twin === undefined ? [] : [{ live: request, simulated: twin }]
  })
}
