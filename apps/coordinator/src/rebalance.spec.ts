import { MemoryActors } from '@kvasir/platform'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { TestCluster } from './testing/test-cluster.js'

// Real timers, on whatever else the machine is doing.
vi.setConfig({ testTimeout: 120_000 })

const stores = new MemoryActors()
const cluster = new TestCluster(() => stores)

afterAll(() => cluster.stop())

describe('a coordinator that has every office', () => {
  it('hands one over to another that comes, and engines of that pool go on', async () => {
    const first = await cluster.coordinator('first')
    const engine = await cluster.engine('chat', 'left')
    await vi.waitFor(() => expect(first.offices.held).toHaveLength(3), 60_000)
    await vi.waitFor(() => expect(engine.ready).toBe(true), 60_000)
    const second = await cluster.coordinator('second')
    await vi.waitFor(() => {
      expect(second.offices.held).toHaveLength(1)
      expect(first.offices.held).toHaveLength(2)
    }, 60_000)
    expect(engine.ready).toBe(true)
  })
})
