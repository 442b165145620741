import { once } from 'node:events'
import { credentials, type ServiceError, status } from '@grpc/grpc-js'
import {
  COMPLETION_ERROR_KEY,
  type Completion,
  type CompletionError,
  completionErrorIn,
  CompletionServiceClient,
  type CompletionSessionResponse,
  FinishReason,
  type CompleteResponse,
} from '@kvasir/wire'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RunningEngine } from '../start.js'
import { TestCluster } from '../testing/cluster.js'

vi.setConfig({ testTimeout: 60_000 })

let cluster: TestCluster
let engine: RunningEngine
let narrow: RunningEngine
const clients: CompletionServiceClient[] = []
let client: CompletionServiceClient

beforeAll(async () => {
  cluster = await TestCluster.start({ llama: {}, narrow: {} })
  engine = await cluster.engine('llama')
  narrow = await cluster.engine('narrow', { queueLimit: 1, sequenceLimit: 1 })
  client = clientOf(engine)
  for (const { driver } of [engine, narrow])
    await vi.waitFor(() => expect(driver.ready).toBe(true), { timeout: 20_000 })
}, 60_000)

afterAll(async () => {
  for (const one of clients) one.close()
  await cluster.stop()
})

function clientOf({ grpc }: RunningEngine): CompletionServiceClient {
  const one = new CompletionServiceClient(grpc ?? '', credentials.createInsecure())
  clients.push(one)
  return one
}

function completion(more: Partial<Completion> = {}): Completion {
  return {
    model: 'llama',
    prompt: { $case: 'text', value: 'Once upon a time' },
    maxTokens: 12,
    stop: [],
    ...more,
  }
}

interface Answer {
  readonly texts: readonly string[]
  readonly end: Extract<CompleteResponse['part'], { $case: 'end' }>['value'] | undefined
  readonly requestId: unknown
}

async function answered(one: Completion, from = client): Promise<Answer> {
  const call = from.complete({ completion: one })
  let requestId: unknown
  call.on('metadata', (metadata) => {
    requestId = metadata.get('x-request-id')[0]
  })
  const texts: string[] = []
  let end: Answer['end']
  for await (const { part } of call as AsyncIterable<CompleteResponse>) {
    if (part?.$case === 'text') texts.push(part.value)
    if (part?.$case === 'end') end = part.value
  }
  return { texts, end, requestId }
}

/** How a call that is not answered ends. */
async function refused(
  one: Completion,
  from = client,
): Promise<{ readonly error: ServiceError; readonly detail: CompletionError }> {
  const error = await answered(one, from).then(
    () => expect.unreachable('it was answered'),
    (thrown: ServiceError) => thrown,
  )
  const [bytes] = error.metadata.get(COMPLETION_ERROR_KEY)
  return { error, detail: completionErrorIn(Buffer.from(bytes)) }
}

describe('Complete', () => {
  it('streams the text that the same engine gives over HTTP, and says how it ended', async () => {
    const openai = new OpenAI({ baseURL: `${engine.url}/v1`, apiKey: 'none', maxRetries: 0 })
    const whole = await openai.completions.create({
      model: 'llama',
      prompt: 'Once upon a time',
      max_tokens: 12,
    })
    const { texts, end, requestId } = await answered(completion({ requestId: 'mine' }))
    expect(texts.join('')).toBe(whole.choices[0].text)
    expect(texts.length).toBeGreaterThan(1)
    expect(end).toMatchObject({
      finish: FinishReason.LENGTH,
      usage: { promptTokens: 4, completionTokens: 12 },
    })
    expect(requestId).toBe('mine')
  })

  it('takes token ids, stop texts, tenant and deadline', async () => {
    const prompt = { $case: 'tokenIds', value: { ids: [7, 8, 9] } } as const
    const { texts } = await answered(completion({ prompt }))
    const stop = [texts.join('').slice(10, 14)]
    const cut = await answered(completion({ prompt, stop, tenant: 'a', deadlineMs: 60_000 }))
    expect(texts.join('').startsWith(cut.texts.join(''))).toBe(true)
    expect(cut.end).toMatchObject({ finish: FinishReason.STOP, usage: { promptTokens: 3 } })
    expect(cut.requestId).toMatch(/^req-/)
  })

  it('ends the sequence of a call that is cancelled', async () => {
    const call = client.complete({ completion: completion({ maxTokens: 100_000 }) })
    call.on('error', () => {})
    await once(call, 'data')
    expect(engine.driver.unfinished).toBe(1)
    call.cancel()
    await expect.poll(() => engine.driver.unfinished, { timeout: 10_000 }).toBe(0)
  })

  it('ends the sequence of a call whose own deadline has passed', async () => {
    const call = client.complete(
      { completion: completion({ maxTokens: 100_000 }) },
      { deadline: Date.now() + 300 },
    )
    const failed = once(call, 'error')
    call.resume()
    const [error] = await failed
    expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED })
    await expect.poll(() => engine.driver.unfinished, { timeout: 10_000 }).toBe(0)
  })

  it.each<[string, Partial<Completion>, number, string | undefined, string]>([
    ['a model it does not serve', { model: 'gpt-5' }, status.NOT_FOUND, 'model', 'serves llama'],
    ['no prompt', { prompt: undefined }, status.INVALID_ARGUMENT, 'prompt', 'prompt is missing'],
    ['no token', { maxTokens: 0 }, status.INVALID_ARGUMENT, 'max_tokens', 'max_tokens is 0'],
    ['too many stop texts', { stop: [...'abcde'] }, status.INVALID_ARGUMENT, 'stop', 'stop'],
    ['a priority that is no number', { priority: Number.NaN }, status.INVALID_ARGUMENT, 'priority', 'NaN'],
    [
      'a prompt longer than the context',
      { prompt: { $case: 'text', value: 'word'.repeat(140_000) } },
      status.INVALID_ARGUMENT,
      'prompt',
      'prompt tokens',
    ],
    [
      'a deadline that cannot be met',
      { prompt: { $case: 'text', value: 'word'.repeat(20_000) }, deadlineMs: 0.5 },
      status.DEADLINE_EXCEEDED,
      'deadline_ms',
      'deadline_unreachable',
    ],
  ])('refuses %s, naming the field', async (_, more, code, field, says) => {
    const { error, detail } = await refused(completion(more))
    expect(error.code).toBe(code)
    expect(error.details).toContain(says)
    expect(detail).toMatchObject({ field })
  })

  it('refuses more than the queue holds, and says when to come again', async () => {
    const from = clientOf(narrow)
    const ask = () => answered(completion({ model: 'narrow', maxTokens: 300 }), from)
    const answers = await Promise.allSettled(Array.from({ length: 8 }, ask))
    const failures = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason as ServiceError] : []))
    expect(failures.length).toBeGreaterThanOrEqual(5)
    expect(failures[0].code).toBe(status.RESOURCE_EXHAUSTED)
    const [bytes] = failures[0].metadata.get(COMPLETION_ERROR_KEY)
    expect(completionErrorIn(Buffer.from(bytes))).toMatchObject({ code: 'queue_full', retryAfterMs: 1_000 })
  })
})

/** What came of each request of a session, by id. */
class Session {
  readonly call
  readonly texts = new Map<string, string>()
  readonly ends = new Map<string, CompletionSessionResponse['part']>()

  constructor(from: CompletionServiceClient = client) {
    this.call = from.session()
    this.call.on('data', ({ id, part }: CompletionSessionResponse) => {
      if (part?.$case === 'text') this.texts.set(id, (this.texts.get(id) ?? '') + part.value)
      else {
        expect(this.ends.has(id), `a second end of ${id}`).toBe(false)
        this.ends.set(id, part)
      }
    })
  }

  submit(id: string, more: Partial<Completion> = {}): void {
    this.call.write({ id, command: { $case: 'submit', value: completion(more) } })
  }
}

describe('Session', () => {
  it('carries many requests at once, each with its own texts and one end', async () => {
    const session = new Session()
    const prompts = Array.from({ length: 50 }, (_, i) => `request ${i % 7}`)
    prompts.forEach((value, i) => session.submit(`r${i}`, { prompt: { $case: 'text', value } }))
    await expect.poll(() => session.ends.size, { timeout: 20_000 }).toBe(50)
    prompts.forEach((_, i) => expect(session.texts.get(`r${i}`)).toBe(session.texts.get(`r${i % 7}`)))
    session.call.end()
    await once(session.call, 'end')
  })

  it('ends one request that is cancelled, and refuses one alone', async () => {
    const session = new Session()
    session.submit('long', { maxTokens: 100_000 })
    session.submit('short')
    session.submit('wrong', { maxTokens: 0 })
    await expect.poll(() => session.texts.has('long') && session.ends.has('short')).toBe(true)
    session.call.write({ id: 'long', command: { $case: 'cancel', value: {} } })
    await expect.poll(() => session.ends.size).toBe(3)
    expect(session.ends.get('long')).toMatchObject({ $case: 'error', value: { code: 'aborted' } })
    expect(session.ends.get('wrong')).toMatchObject({ $case: 'error', value: { field: 'max_tokens' } })
    expect(session.ends.get('short')).toMatchObject({ $case: 'end' })
    session.ends.delete('long')
    session.submit('long')
    session.call.end()
    await once(session.call, 'end')
    expect(session.ends.get('long')).toMatchObject({ $case: 'end' })
  })

  it('finishes what is under way when the client has nothing more to ask', async () => {
    const session = new Session()
    session.submit('last', { maxTokens: 200 })
    session.call.end()
    await once(session.call, 'end')
    expect(session.ends.get('last')).toMatchObject({ value: { usage: { completionTokens: 200 } } })
  })

  it('ends everything when it is lost', async () => {
    const session = new Session()
    session.call.on('error', () => {})
    for (const id of ['a', 'b', 'c']) session.submit(id, { maxTokens: 100_000 })
    await expect.poll(() => engine.driver.unfinished).toBe(3)
    session.call.cancel()
    await expect.poll(() => engine.driver.unfinished, { timeout: 10_000 }).toBe(0)
  })

  it('is ended for an id that is under way already', async () => {
    const session = new Session()
    const failed = once(session.call, 'error')
    session.submit('same', { maxTokens: 100_000 })
    session.submit('same')
    const [error] = await failed
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT })
    expect(error.details).toContain('id is "same"')
    await expect.poll(() => engine.driver.unfinished, { timeout: 10_000 }).toBe(0)
  })

  it('joins parts for a client that does not read, and loses none of the text', async () => {
    const call = client.session()
    const long = completion({ maxTokens: 5_000 })
    const ids = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const id of ids) call.write({ id, command: { $case: 'submit', value: long } })
    await expect.poll(() => engine.driver.unfinished).toBe(6)
    await expect.poll(() => engine.driver.unfinished, { timeout: 50_000, interval: 200 }).toBe(0)
    let parts = 0
    const texts = new Map<string, string>()
    const ended = new Promise<void>((resolve) => {
      let ends = 0
      call.on('data', ({ id, part }: CompletionSessionResponse) => {
        if (part?.$case === 'text') {
          parts++
          texts.set(id, (texts.get(id) ?? '') + part.value)
        } else if (++ends === ids.length) resolve()
      })
    })
    await ended
    expect(new Set(texts.values()).size).toBe(1)
    expect(texts.get('a')?.trim().split(' ')).toHaveLength(5_000)
    expect(parts).toBeLessThan(6 * 5_000)
    call.end()
    await once(call, 'end')
  })
})
