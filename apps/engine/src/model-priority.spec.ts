import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RunningEngine } from './start.js'
import { TestCluster } from './testing/cluster.js'

// Real timers, on whatever else the machine is doing.
vi.setConfig({ testTimeout: 60_000 })
const patient = { timeout: 30_000 }

let cluster: TestCluster
let engine: RunningEngine

beforeAll(async () => {
  cluster = await TestCluster.start({ llama: { priority: 4 } })
  engine = await cluster.engine('llama', { order: 'priority' })
  await vi.waitFor(() => expect(engine.driver.ready).toBe(true), 30_000)
}, 60_000)
afterAll(() => cluster.stop())

/** The priority with which a request comes to the scheduler. */
async function priorityOf(headers: Record<string, string> = {}): Promise<number> {
  const submitted = vi.spyOn(engine.driver, 'submit')
  const answer = await fetch(`${engine.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'llama', prompt: 'Once upon a time', max_tokens: 2 }),
  })
  expect(answer.status).toBe(200)
  const [sequence] = submitted.mock.lastCall ?? []
  return sequence?.priority ?? Number.NaN
}

describe('a request', () => {
  it('has the priority of its model when it does not say its own', async () => {
    expect(await priorityOf()).toBe(4)
    expect(await priorityOf({ 'x-priority': '-2' })).toBe(-2)
  })

  it('that comes after an operator has changed it has the new one', async () => {
    await cluster.setTerms('llama', { priority: 9 })
    await expect.poll(() => engine.driver.machine.lease.requestPriority, patient).toBe(9)
    expect(await priorityOf()).toBe(9)
    expect(await priorityOf({ 'x-priority': '0' })).toBe(0)
  })
})
