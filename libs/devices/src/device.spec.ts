import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { createStepCost, hostPresets, knownGpu, knownModel } from '@kvasir/hardware'
import { afterEach, describe, expect, it } from 'vitest'
import type { Device } from './device.js'
import { serveDevice } from './group-service.js'
import { RemoteGroup } from './remote-group.js'
import { SimulatedGroup } from './simulated-group.js'
import { oneDecode, Player } from './testing/player.js'

const gpu = knownGpu('H100')
const cost = createStepCost({
  gpu,
  model: knownModel('Llama-3.1-8B'),
  tp: 1,
  host: hostPresets['vllm-async'],
})

const cleanUps: (() => void)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp()
})

function simulated(): SimulatedGroup {
  const group = new SimulatedGroup({
    machine: { bundles: 10, arbitration: 'claims', gpu },
    costOf: ({ model }) => {
      if (model !== 'm') throw new RangeError(`model "${model}" is not known to this group; it serves m`)
      return cost
    },
    speedUp: 10,
  })
  cleanUps.push(() => group.close())
  return group
}

/** The same group behind gRPC on a unix socket. */
async function remote(): Promise<Device> {
  const folder = mkdtempSync(join(tmpdir(), 'kvasir-device-'))
  const address = `unix:${join(folder, 'device.sock')}`
  const server = new Server()
  serveDevice(server, simulated())
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    )
  })
  const device = new RemoteGroup(address)
  cleanUps.push(() => {
    device.close()
    server.forceShutdown()
    rmSync(folder, { recursive: true })
  })
  return device
}

const open = (engine: string, incarnation = 1, model = 'm') =>
  ({ kind: 'open', engine, incarnation, model, blockBytesPerRank: 1_000, share: 1 }) as const
const map = (engine: string, bundles: number, epoch = 1) =>
  ({ kind: 'map', engine, incarnation: 1, epoch, bundles }) as const
const ready = (engine: string, claim: number) =>
  ({ kind: 'ready', engine, incarnation: 1, epoch: 1, claim }) as const
const execute = (engine: string) =>
  ({ kind: 'execute', engine, incarnation: 1, epoch: 1, shape: oneDecode }) as const
const pass = (engine: string) => ({ kind: 'pass', engine, incarnation: 1 }) as const

async function engineOn(device: Device, engine: string): Promise<Player> {
  const player = new Player(device)
  player.say(open(engine))
  // Commands of one line are carried out in order: once this is refused, the engine is there.
  await player.ask(map(engine, 0, 0))
  return player
}

describe.each<[string, () => Device | Promise<Device>]>([
  ['simulated, in this process', simulated],
  ['remote, over gRPC', remote],
])('a TP group, %s', (_, make) => {
  it('refuses an epoch older than the highest, and tells that one', async () => {
    const owner = new Player(await make())
    expect(await owner.ask({ kind: 'fence', epoch: 5, nonce: 1 })).toEqual({
      kind: 'fenced',
      epoch: 5,
      held: [],
    })
    owner.say({ kind: 'fence', epoch: 4, nonce: 2 })
    expect(await owner.nextTold()).toEqual({
      answer: { kind: 'refused', engine: '', command: 'fence', reason: 'stale_epoch' },
      highestEpoch: 5,
    })
    owner.say({ kind: 'fence', epoch: 5, nonce: 2 })
    expect((await owner.nextTold()).highestEpoch).toBe(5)
  })

  it('maps what is free and names it, and tells a new owner who holds what', async () => {
    const device = await make()
    const a = new Player(device)
    const owner = new Player(device)
    await owner.ask({ kind: 'fence', epoch: 1, nonce: 1 })
    a.say(open('a'))
    expect(await a.ask(map('a', 4))).toEqual({ kind: 'mapped', engine: 'a', bundles: [0, 1, 2, 3] })
    a.say({ kind: 'unmap', engine: 'a', incarnation: 1, bundles: [1] })
    expect(await a.ask(map('a', 20))).toMatchObject({ kind: 'mapped', bundles: { length: 7 } })
    expect(await a.ask(map('a', 1))).toMatchObject({ kind: 'refused', reason: 'pool_exhausted' })
    expect(await owner.ask({ kind: 'fence', epoch: 2, nonce: 1 })).toMatchObject({
      held: [{ engine: 'a', incarnation: 1, bundles: 10 }],
    })
    expect(await a.ask(map('a', 1, 1))).toMatchObject({ kind: 'refused', reason: 'stale_epoch' })
  })

  it('lets two engines take turns by what is left of their budgets', async () => {
    const device = await make()
    const owner = new Player(device)
    await owner.ask({ kind: 'fence', epoch: 1, nonce: 1 })
    const a = await engineOn(device, 'a')
    const b = await engineOn(device, 'b')
    expect(await a.ask(ready('a', 0.5))).toEqual({ kind: 'turn', engine: 'a' })
    b.say(ready('b', 0.9))
    const executed = await a.ask(execute('a'))
    expect(executed.kind).toBe('executed')
    if (executed.kind === 'executed') expect(executed.finishedUs).toBeGreaterThan(executed.startedUs)
    a.say(ready('a', 0.4))
    expect(await b.next()).toEqual({ kind: 'turn', engine: 'b' })
    b.say(pass('b'))
    expect(await a.next()).toEqual({ kind: 'turn', engine: 'a' })
  })

  it('gives the turn of an engine whose line is lost to the next, and keeps its bundles', async () => {
    const device = await make()
    const owner = new Player(device)
    await owner.ask({ kind: 'fence', epoch: 1, nonce: 1 })
    const a = await engineOn(device, 'a')
    const b = await engineOn(device, 'b')
    await a.ask(map('a', 3))
    await a.ask(ready('a', 1))
    b.say(ready('b', 1))
    a.hangUp()
    expect(await b.next()).toEqual({ kind: 'turn', engine: 'b' })
    expect(await owner.ask({ kind: 'fence', epoch: 2, nonce: 1 })).toMatchObject({
      held: [{ engine: 'a', bundles: 3 }, { engine: 'b' }],
    })
  })

  it('lets no earlier run of an engine take over from a later one', async () => {
    const device = await make()
    const owner = new Player(device)
    await owner.ask({ kind: 'fence', epoch: 1, nonce: 1 })
    const now = new Player(device)
    now.say(open('a', 2))
    await now.ask({ ...map('a', 1), incarnation: 2 })
    const earlier = new Player(device)
    expect(await earlier.ask(open('a', 1))).toMatchObject({ reason: 'stale_incarnation' })
    expect(await earlier.ask(ready('a', 1))).toMatchObject({ reason: 'stale_incarnation' })
    expect(await now.ask({ ...ready('a', 1), incarnation: 2 })).toEqual({ kind: 'turn', engine: 'a' })
  })
})

describe('a remote TP group', () => {
  it('ends the session of who opens a model that it does not know, and no other', async () => {
    const device = await remote()
    const owner = new Player(device)
    const a = new Player(device)
    await owner.ask({ kind: 'fence', epoch: 1, nonce: 1 })
    a.say(open('a', 1, 'gpt-2'))
    await expect.poll(() => a.lost, { timeout: 10_000 }).toMatch('model "gpt-2" is not known')
    expect(await owner.ask({ kind: 'fence', epoch: 2, nonce: 1 })).toMatchObject({ kind: 'fenced' })
  })
})
