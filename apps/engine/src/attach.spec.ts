import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { SeededRng } from '@kvasir/kernel'
import type { RunningEngine } from './start.js'
import { TestCluster } from './testing/cluster.js'

// Real timers, on whatever else the machine is doing.
vi.setConfig({ testTimeout: 120_000 })

const SEED = 20_261_121
let cluster: TestCluster
let engine: RunningEngine
let client: OpenAI

beforeAll(async () => {
  cluster = await TestCluster.start({ llama: {}, other: {} })
  engine = await cluster.engine('llama')
  client = new OpenAI({ baseURL: `${engine.url}/v1`, apiKey: 'none', maxRetries: 0 })
  await vi.waitFor(() => expect(engine.driver.ready).toBe(true), 60_000)
}, 120_000)
afterAll(() => cluster.stop())

async function ask(question: string): Promise<string> {
  const answer = await client.completions.create({ model: 'llama', prompt: question, max_tokens: 400 })
  expect(answer.usage?.completion_tokens).toBe(400)
  return answer.choices[0].text
}

describe('an engine that loses the line to its device, which goes on', () => {
  it(`goes on as the same run, and what it answers is what it would have answered, seed ${SEED}`, async () => {
    const rng = new SeededRng(SEED, 'cuts')
    const questions = Array.from({ length: 6 }, (_, i) => `question ${i} ${'lorem ipsum '.repeat(60 * i)}`)
    const undisturbed = await Promise.all(questions.map(ask))
    const { machine } = engine.driver
    // However fast the machine is: as often as it takes to cut the line eight times in the middle of work.
    for (let cuts = 0; cuts < 8; ) {
      let done = false
      const answers = Promise.all(questions.map(ask)).finally(() => {
        done = true
      })
      await vi.waitFor(() => expect(engine.driver.unfinished).toBeGreaterThan(0), 60_000)
      while (!done) {
        await sleep(rng.int(80))
        if (engine.driver.unfinished > 0) cuts++
        cluster.cutLines()
        // One cut soon after another, or when the line is back and work goes on.
        await sleep(rng.int(3) === 0 ? 20 : 350)
      }
      expect(await answers).toEqual(undisturbed)
    }
    expect(engine.driver.machine).toBe(machine)
    expect(engine.driver.machine.pool.bundlesInUse).toBe(0)
  })

  it('has on the device what it holds, and nothing else', async () => {
    await vi.waitFor(async () => {
      const view = await cluster.view()
      expect(view?.engines.map(({ engine: name }) => name)).toEqual(['llama@g0'])
    }, 60_000)
    await ask('once more')
    expect(cluster.mappedBy('llama@g0')).toBe(engine.driver.machine.pool.bundles)
  })
})

describe('an engine whose device has forgotten it', () => {
  it('ends what was under way, and serves as another run', async () => {
    const { machine } = engine.driver
    const lost = expect(ask('a long one')).rejects.toThrow(/engine_lost|400/)
    await vi.waitFor(() => expect(engine.driver.unfinished).toBe(1), 60_000)
    cluster.restartDevice()
    await lost
    await vi.waitFor(async () => expect(await ask('again')).not.toBe(''), { timeout: 60_000, interval: 200 })
    expect(engine.driver.machine).not.toBe(machine)
  })
})
