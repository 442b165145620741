import { setTimeout as sleep } from 'node:timers/promises'
import type { TwinRequest } from '@kvasir/experiment'
import type { ClusterPlan } from '@kvasir/simulation'
import type { RequestRecord } from '@kvasir/workload'
import { playRequest, type Seen } from '../live/demo/play-request.js'
import { promptText } from './prompt-text.js'

/** After Ctrl-C there is nothing to compare. */
export const STOPPED = 'stopped before all requests had ended; nothing is written'

export interface LivePlace {
  /** Who is asked: a gateway, or an engine. */
  readonly url: string
  /** Operators' terms of the models: priorities are theirs too. */
  readonly plan: Pick<ClusterPlan, 'models' | 'engines'>
  /** How many times faster than the scenario the cluster runs. */
  readonly speed: number
  readonly signal: AbortSignal
}

export interface PlayedSide {
  readonly requests: readonly TwinRequest[]
  /** How much later than they arrive in the scenario requests were sent, at most; real microseconds. */
  readonly sentLateUs: number
}

/**
 * Asks for everything at its time. Latencies are from when a request was really sent, and are of the scenario: real ones times `speed`.
 */
export async function playSide(
  { url, plan, speed, signal }: LivePlace,
  requests: readonly RequestRecord[],
): Promise<PlayedSide> {
  const beganMs = performance.now()
  const played: Promise<TwinRequest>[] = []
  let sentLateUs = 0
  for (const request of requests) {
    const dueMs = beganMs + request.arrivalUs / speed / 1_000
    const waitMs = dueMs - performance.now()
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) break
    sentLateUs = Math.max(sentLateUs, (performance.now() - dueMs) * 1_000)
    played.push(playOne({ url, plan, speed, signal }, request))
  }
  const ended = await Promise.all(played)
  const unsent = requests.slice(ended.length).map((request) => twinOf(request, unfinished, speed))
  return { requests: [...ended, ...unsent], sentLateUs }
}

/** One request, and what was seen of it. Never throws. */
export async function playOne(
  { url, plan, speed, signal }: LivePlace,
  request: RequestRecord,
): Promise<TwinRequest> {
  const { id, model = '', promptTokens, outputTokens, priority } = request
  const ownPriority = plan.models.find(({ name }) => name === model)?.terms.priority ?? 0
  const asked = {
    model,
    promptTokens,
    outputTokens,
    priority: priority + ownPriority,
    prompt: promptText(request),
    headers: headersOf(request, speed),
  }
  return twinOf(request, await playRequest(url, id, asked, signal), speed)
}

/** The names under which engines and the gateway read them. */
function headersOf(
  { tenant, session, deadlineUs, arrivalUs }: RequestRecord,
  speed: number,
): Readonly<Record<string, string>> {
  return {
    ...(tenant === undefined ? {} : { 'x-tenant': tenant }),
    ...(session === undefined ? {} : { 'x-session': session }),
    ...(deadlineUs === undefined
      ? {}
      : { 'x-deadline-ms': String((deadlineUs - arrivalUs) / speed / 1_000) }),
  }
}

const unfinished: Seen = { kind: 'failed', reason: 'stopped' }

function twinOf(
  { id, model = '', promptTokens, outputTokens }: RequestRecord,
  seen: Seen,
  speed: number,
): TwinRequest {
  const asked = { id, model, promptTokens, outputTokens }
  if (seen.kind === 'failed') {
    // The simulator's word for what had not ended when the run did.
    const reason = seen.reason === 'stopped' ? 'unfinished' : seen.reason
    return { ...asked, engine: undefined, end: { kind: 'failed', reason } }
  }
  const { engine, ttftUs, e2eUs, tokens, received } = seen
  return {
    ...asked,
    engine,
    end: { kind: 'finished', ttftUs: ttftUs * speed, e2eUs: e2eUs * speed, tokens, received },
  }
}
