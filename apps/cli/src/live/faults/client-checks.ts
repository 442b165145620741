import { type Check, Checking } from './check.js'
import type { RequestRecord } from './client-load.js'

/** A time in which the gateway was down: a client of it knows no more of its requests. */
export interface Window {
  readonly fromMs: number
  readonly toMs: number
}

/** A simulated engine's words are three letters and a space: one token each. */
const TOKEN_LENGTH = 4
/** Refusals that are an answer: try again later. */
const asksToWait = new Set(['queue_full', 'rate_limited', 'too_many_requests'])

/** What clients saw of their requests. @param down when the gateway was killed, until it answered again. */
export function checkClients(records: readonly RequestRecord[], down: readonly Window[]): readonly Check[] {
  const ends = new Checking('6', 'a request has an end, and says why if it is not its answer')
  const whole = new Checking('6', 'a finished answer has every token once, as many as it says')
  const same = new Checking('6', 'an answer, or the part that came of it, is that of all equal requests')
  const kept = new Checking('6', 'a request that had not begun to stream is not lost while the gateway lives')
  const answers = new Map<string, string>()
  for (const { model, prompt, maxTokens, end, text } of records) {
    const question = `${model}/${prompt}/${maxTokens}`
    if (end.kind === 'finished' && !answers.has(question)) answers.set(question, text)
  }
  for (const record of records) {
    const { id, model, prompt, maxTokens, end, text, tokensSaid, sentMs, endedMs } = record
    const gatewayDied = down.some(({ fromMs, toMs }) => sentMs < toMs && endedMs >= fromMs - 50)
    const said = () => `${id} of ${model}, sent ${new Date(sentMs).toISOString()}: ${JSON.stringify(end)}`
    // A client whose gateway is gone knows no more of its request: that is no case of what follows.
    const broken = end.kind === 'broken' && gatewayDied
    const after = () => `after ${((endedMs - sentMs) / 1000).toFixed(1)} s and ${text.length} characters`
    if (!broken) ends.that(end.kind !== 'none' && end.kind !== 'broken', () => `${said()} ${after()}`)
    if (end.kind === 'finished')
      whole.that(
        text.length === TOKEN_LENGTH * maxTokens && tokensSaid === maxTokens,
        () =>
          `${id} of ${model}: ${text.length / TOKEN_LENGTH} tokens came, ${tokensSaid} were said, of ${maxTokens}`,
      )
    const answer = answers.get(`${model}/${prompt}/${maxTokens}`)
    if (answer !== undefined)
      same.that(answer.startsWith(text), () => `${id} of ${model}: ${text.slice(0, 80)}`)
    if (!gatewayDied)
      kept.that(text !== '' || end.kind === 'finished' || isWait(end), () => `${said()} ${after()}`)
  }
  return [ends, whole, same, kept].map(({ result }) => result)
}

function isWait(end: RequestRecord['end']): boolean {
  return end.kind === 'refused' && (end.status === 429 || asksToWait.has(end.code))
}
