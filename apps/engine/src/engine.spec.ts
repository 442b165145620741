import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RunningEngine } from './start.js'
import { TestCluster } from './testing/cluster.js'

let cluster: TestCluster
let engine: RunningEngine
let client: OpenAI

beforeAll(async () => {
  cluster = await TestCluster.start({ llama: {}, other: { weight: 3 }, narrow: {} })
  engine = await cluster.engine('llama')
  client = clientOf(engine)
  await readiness(engine)
})
afterAll(() => cluster.stop())

function clientOf({ url }: RunningEngine): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
}

/** Waits until the engine has a lease. */
async function readiness({ url }: RunningEngine): Promise<void> {
  await vi.waitFor(async () => expect((await fetch(`${url}/ready`)).status).toBe(200), { timeout: 20_000 })
}

async function health({ url }: RunningEngine): Promise<{ unfinished: number; heldBundles: number }> {
  return (await (await fetch(`${url}/health`)).json()) as { unfinished: number; heldBundles: number }
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${engine.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

describe('an engine, to the openai client', () => {
  it('completes', async () => {
    const answer = await client.completions.create({
      model: 'llama',
      prompt: 'Once upon a time',
      max_tokens: 12,
    })
    const [choice] = answer.choices
    expect(choice.text.split(' ').slice(1)).toHaveLength(12)
    expect(choice.finish_reason).toBe('length')
    expect(answer.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 12, total_tokens: 16 })
  })

  it('ends of its own accord when no length is asked for', async () => {
    const answer = await client.completions.create({ model: 'llama', prompt: 'Tell me a story' })
    expect(answer.choices[0].finish_reason).toBe('stop')
    expect(answer.usage?.completion_tokens).toBeGreaterThanOrEqual(16)
  })

  it('streams the text that it would give as a whole', async () => {
    const request = { model: 'llama', prompt: 'What is the weather like?', max_tokens: 40 }
    const whole = await client.completions.create(request)
    const stream = await client.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    const reasons: string[] = []
    let usage: OpenAI.CompletionUsage | undefined
    for await (const part of stream) {
      text += part.choices[0]?.text ?? ''
      if (part.choices[0]?.finish_reason) reasons.push(part.choices[0].finish_reason)
      usage ??= part.usage ?? undefined
    }
    expect(text).toBe(whole.choices[0].text)
    expect(reasons).toEqual(['length'])
    expect(usage?.completion_tokens).toBe(40)
  })

  it('gives the same text to the same prompt, alone or in a crowd', async () => {
    const ask = (prompt: string) => client.completions.create({ model: 'llama', prompt, max_tokens: 60 })
    const alone = await ask('the same prompt')
    const crowd = await Promise.all(
      Array.from({ length: 24 }, (_, i) => ask(i % 3 === 0 ? 'the same prompt' : `another prompt, ${i}`)),
    )
    for (let i = 0; i < crowd.length; i += 3) expect(crowd[i].choices[0].text).toBe(alone.choices[0].text)
    expect(crowd[1].choices[0].text).not.toBe(alone.choices[0].text)
  })

  it('chats, and finds the KV of a conversation again', async () => {
    const question = 'Please explain in some detail how paged attention works. '.repeat(20)
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: question }]
    const first = await client.chat.completions.create({ model: 'llama', messages, max_tokens: 64 })
    const { message, finish_reason } = first.choices[0]
    expect(message.role).toBe('assistant')
    expect(finish_reason).toBe('length')
    const second = await client.chat.completions.create({
      model: 'llama',
      messages: [...messages, message, { role: 'user', content: 'Thank you. And in one sentence?' }],
      max_completion_tokens: 8,
    })
    const before = (first.usage?.prompt_tokens ?? 0) + 64
    // Blocks of 16 tokens: all whole ones of the first turn, whose last token's KV was not needed.
    expect(second.usage?.prompt_tokens_details?.cached_tokens).toBe(Math.floor((before - 1) / 16) * 16)
  })

  it('streams a chat', async () => {
    const stream = await client.chat.completions.create({
      model: 'llama',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
      ],
      max_tokens: 10,
      stream: true,
    })
    const deltas: OpenAI.ChatCompletionChunk.Choice.Delta[] = []
    for await (const part of stream) deltas.push(part.choices[0].delta)
    expect(deltas[0].role).toBe('assistant')
    expect(
      deltas
        .map(({ content }) => content ?? '')
        .join('')
        .split(' ')
        .slice(1),
    ).toHaveLength(10)
  })

  it('stops before a stop text', async () => {
    const request = { model: 'llama', prompt: 'stop somewhere', max_tokens: 30 }
    const [{ text }] = (await client.completions.create(request)).choices
    const words = text.split(' ')
    const stop = `${words[6]} ${words[7].slice(0, 2)}`
    const cut = await client.completions.create({ ...request, stop: [stop] })
    expect(cut.choices[0]).toMatchObject({ text: text.slice(0, text.indexOf(stop)), finish_reason: 'stop' })
    expect(cut.usage?.completion_tokens).toBeLessThanOrEqual(7)
  })

  it('ends what is cancelled, and gives its memory to others', async () => {
    const controller = new AbortController()
    const stream = await client.completions.create(
      { model: 'llama', prompt: 'a long answer', max_tokens: 100_000, stream: true },
      { signal: controller.signal },
    )
    let parts = 0
    await expect(async () => {
      for await (const _ of stream) if (++parts === 3) controller.abort()
      throw new Error('aborted')
    }).rejects.toThrow()
    await expect.poll(async () => (await health(engine)).unfinished, { timeout: 10_000 }).toBe(0)
  })

  it('ends what is cancelled before it has begun to be answered', async () => {
    const controller = new AbortController()
    const asked = client.completions.create(
      { model: 'llama', prompt: 'not streamed', max_tokens: 100_000 },
      { signal: controller.signal },
    )
    await expect.poll(async () => (await health(engine)).unfinished, { timeout: 10_000 }).toBe(1)
    controller.abort()
    await expect(asked).rejects.toThrow()
    await expect.poll(async () => (await health(engine)).unfinished, { timeout: 10_000 }).toBe(0)
  })

  it('lists its model', async () => {
    const { data } = await client.models.list()
    expect(data.map(({ id }) => id)).toEqual(['llama'])
    expect((await client.models.retrieve('llama')).owned_by).toBe('kvasir')
  })
})

describe('an engine, to the owner of its pool', () => {
  it('says where clients reach it', async () => {
    const urls = async () => (await cluster.view())?.engines.map(({ engine: name, url }) => [name, url])
    await expect.poll(urls, { timeout: 10_000 }).toContainEqual(['llama@g0', engine.url])
  })
})

describe('what an engine refuses', () => {
  const completion = { model: 'llama', prompt: 'hello' }

  it.each<[string, unknown, number, string]>([
    ['a model that it does not serve', { ...completion, model: 'gpt-5' }, 404, 'this engine serves llama'],
    [
      'a prompt longer than the context',
      { ...completion, prompt: 'word'.repeat(140_000) },
      400,
      'prompt tokens',
    ],
    ['several answers', { ...completion, n: 2 }, 400, 'n is 2; it must be 1'],
    ['several prompts', { ...completion, prompt: ['a', 'b'] }, 400, 'prompt is ["a","b"]'],
    ['a negative length', { ...completion, max_tokens: -1 }, 400, 'max_tokens is -1'],
    ['no prompt', { model: 'llama' }, 400, 'prompt is missing'],
    ['what is not JSON', '{"model":', 400, ''],
  ])('%s', async (_, body, status, says) => {
    const answer = await post('/v1/completions', body)
    expect(answer.status).toBe(status)
    const { error } = (await answer.json()) as { error: { message: string; type: string } }
    expect(error.type).toBe('invalid_request_error')
    expect(error.message).toContain(says)
  })

  it('a deadline that cannot be met', async () => {
    const prompt = 'word'.repeat(20_000)
    const answer = await post('/v1/completions', { ...completion, prompt }, { 'x-deadline-ms': '0.5' })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ error: { code: 'deadline_unreachable' } })
  })

  it('a header that is no number', async () => {
    const answer = await post('/v1/completions', completion, { 'x-priority': 'high' })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ error: { param: 'x-priority' } })
  })

  it('a path that is not there', async () => {
    const answer = await fetch(`${engine.url}/v2/completions`)
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ error: { type: 'invalid_request_error' } })
  })

  it('more than its queue holds, and says when to come again', async () => {
    const narrow = await cluster.engine('narrow', { queueLimit: 1, sequenceLimit: 1 })
    await readiness(narrow)
    const ask = () =>
      fetch(`${narrow.url}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'narrow', prompt: 'x', max_tokens: 300 }),
      })
    const answers = await Promise.all(Array.from({ length: 8 }, ask))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThanOrEqual(5)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(8 - refused.length)
    expect(refused[0].headers.get('retry-after')).toBe('1')
    expect(await refused[0].json()).toMatchObject({ error: { code: 'queue_full', type: 'rate_limit_error' } })
  })

  it('nothing else: ids of requests come back with the answer', async () => {
    const answer = await post('/v1/completions', completion, { 'x-request-id': 'mine-1', 'x-tenant': 'a' })
    expect(answer.headers.get('x-request-id')).toBe('mine-1')
    const refused = await post('/v1/completions', {}, { 'x-request-id': 'mine-2' })
    expect(refused.headers.get('x-request-id')).toBe('mine-2')
    const streamed = await post('/v1/completions', { ...completion, stream: true })
    expect(streamed.headers.get('x-request-id')).toMatch(/^req-/)
    await streamed.text()
  })
})

describe('engines that share a group', () => {
  it('both answer, each within its budget', async () => {
    const other = await cluster.engine('other')
    await readiness(other)
    const clients = [client, clientOf(other)]
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        clients[i % 2].completions.create({
          model: i % 2 === 0 ? 'llama' : 'other',
          prompt: `request ${i}`,
          max_tokens: 50,
        }),
      ),
    )
    for (const { usage } of answers) expect(usage?.completion_tokens).toBe(50)
    const body = (await (await fetch(`${other.url}/health`)).json()) as {
      budget: { tokens: number }
      leaseBundles: number
    }
    expect(body.budget.tokens).toBeGreaterThan(0)
    expect(body.leaseBundles).toBeGreaterThan(0)
  })

  it('survive a restart of their device: what was under way ends, what comes later is served', async () => {
    const streamed = await client.completions.create({
      model: 'llama',
      prompt: 'before the restart',
      max_tokens: 100_000,
      stream: true,
    })
    let parts = 0
    const lost = (async () => {
      for await (const _ of streamed) if (++parts === 3) cluster.restartDevice()
    })()
    await expect(lost).rejects.toThrow(/engine_lost/)
    await readiness(engine)
    await expect
      .poll(
        () => client.completions.create({ model: 'llama', prompt: 'after', max_tokens: 5 }).catch(() => null),
        {
          timeout: 20_000,
        },
      )
      .toMatchObject({ usage: { completion_tokens: 5 } })
  })
})
