import type { EngineDocument, Heartbeat, Join, PreemptionRequest } from '@kvasir/contracts'

const sender = (engine: string) => ({ engine, incarnation: 1 })

export function join(engine: string, number = 1): Join {
  return { kind: 'join', ...sender(engine), number, model: 'm' }
}

export function request(engine: string, number: number): PreemptionRequest {
  const wanted = { bundles: 2, minBundles: 1, priority: 0, class: 'auto', withinUs: 1_000_000 } as const
  return { kind: 'request', ...sender(engine), number, id: `${engine}/1/${number}`, ...wanted }
}

export function heartbeat(engine: string, beat: number): Heartbeat {
  return {
    kind: 'heartbeat',
    ...sender(engine),
    beat,
    model: 'm',
    processedThrough: 0,
    epoch: 0,
    sequence: 0,
    held: 0,
    inUse: 0,
    demand: { tokens: 0, bundles: 0, tokensPerSecond: 0 },
    spentTokens: 0,
    lowestPriority: null,
    supply: [],
  }
}

export function documentOf(engine: string, sequence: number): EngineDocument {
  return {
    ...sender(engine),
    epoch: 1,
    sequence,
    ackBeat: 0,
    processedThrough: 1,
    member: true,
    census: false,
    leaseBundles: 10,
    guaranteeBundles: 0,
    limitBundles: 10,
    budget: { round: 1, tokens: 1, lentTokens: 0, floor: 0 },
    reclaims: [],
    sharesPool: false,
    supplyWanted: false,
    outcomes: [],
  }
}
