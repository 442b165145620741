import { describe, expect, it } from 'vitest'
import { SeededRng } from '@kvasir/kernel'
import { noFaults, OwnerWorld } from '../testing/owner-world.js'
import { type OwnerEffect, OwnerMachine } from './owner-machine.js'
import { defaultOwnerTimings } from './owner-timings.js'

const SECOND = 1_000_000

const storeCommands = (effects: readonly OwnerEffect[]) =>
  effects.flatMap((effect) => (effect.kind === 'store' ? [effect] : []))

function tallyOf(world: OwnerWorld): Map<string, number> {
  const last = new Map<string, number>()
  for (const line of world.store.log) {
    const [peer, number] = line.split('/')
    last.set(peer, Number(number))
  }
  return last
}

describe('OwnerMachine', () => {
  it('one of several processes takes an office nobody holds, within a poll', () => {
    const world = new OwnerWorld(1, 3, noFaults)
    world.run(SECOND)
    expect(world.processes.filter(({ machine }) => machine.owns)).toHaveLength(1)
    expect(world.lastOffice()).toBeLessThan(100_000)
    world.run(60 * SECOND)
    expect(world.history).toHaveLength(1)
  })

  it('an owner that dies is replaced within 4 s, under a higher epoch', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = new OwnerWorld(seed, 3, noFaults)
      world.run(10 * SECOND)
      const [first, epoch] = [world.owner(), world.deviceEpoch]
      if (!first) throw new Error(`seed ${seed}: nobody owns`)
      world.kill(first)
      world.run(20 * SECOND)
      expect(world.owner()?.name, `seed ${seed}`).toBeDefined()
      expect(world.owner()).not.toBe(first)
      expect(world.lastOffice() - 10 * SECOND).toBeLessThan(4 * SECOND)
      expect(world.deviceEpoch).toBeGreaterThan(epoch)
    }
  })

  it('an owner that is stopped hands over within 300 ms', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = new OwnerWorld(seed, 2, noFaults)
      world.run(10 * SECOND)
      const first = world.owner()
      if (!first) throw new Error(`seed ${seed}: nobody owns`)
      world.tell(first, { kind: 'stop' })
      world.run(20 * SECOND)
      expect(world.owner()).not.toBe(first)
      expect(world.lastOffice() - 10 * SECOND, `seed ${seed}`).toBeLessThan(300_000)
    }
  })

  it('nothing said is lost or processed twice when owners die', () => {
    const world = new OwnerWorld(3, 4, noFaults)
    for (let n = 1; n <= 3_000; n++) world.at(n * 10_000, () => world.say(`e${n % 7}`, Math.ceil(n / 7)))
    for (const at of [5, 12, 19])
      world.at(at * SECOND + 1_234, () => {
        const owner = world.owner()
        if (owner) world.kill(owner)
      })
    world.run(40 * SECOND)
    expect(world.store.log).toHaveLength(3_000)
    expect(new Set(world.store.log).size).toBe(3_000)
    expect(world.skipped).toEqual([])
    expect(tallyOf(world).get('e0')).toBe(428)
  })

  it('an owner that cannot reach the store leaves office within 2 s, and somebody takes it when the store is back', () => {
    const world = new OwnerWorld(5, 2, noFaults)
    world.run(10 * SECOND)
    world.storeUp = false
    world.run(12.1 * SECOND)
    expect(world.owner()).toBeUndefined()
    world.run(20 * SECOND)
    expect(world.owner()).toBeUndefined()
    world.storeUp = true
    world.run(24 * SECOND)
    expect(world.owner()).toBeDefined()
  })

  it('an owner that left for want of the store takes its own office back within a poll, under a higher epoch', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = new OwnerWorld(seed, 3, noFaults)
      world.run(10 * SECOND)
      const [first, epoch] = [world.owner(), world.deviceEpoch]
      world.storeUp = false
      world.run(20 * SECOND)
      expect(world.owner(), `seed ${seed}`).toBeUndefined()
      world.storeUp = true
      world.run(24 * SECOND)
      expect(world.owner(), `seed ${seed}`).toBe(first)
      // Until it is looked at again: the last look waits for its answer, then comes a poll.
      expect(world.lastOffice() - 20 * SECOND, `seed ${seed}`).toBeLessThan(700_000)
      expect(world.deviceEpoch).toBeGreaterThan(epoch)
      expect(world.violations, `seed ${seed}`).toEqual([])
    }
  })

  it('an office whose owner has not committed is watched like any other, also by whoever had it', () => {
    const record = { term: 4, by: 'mine', beat: 0, version: 0, epoch: 3, commitId: '' }
    const machine = new OwnerMachine({
      timings: defaultOwnerTimings,
      process: 'p',
      rng: new SeededRng(1, 'p'),
      device: false,
      lastOffice: { by: 'mine', term: 4 },
      host: () => {
        throw new TypeError('nobody takes office here')
      },
    })
    const asks = (now: number, beat: number) => {
      const [{ id, command }] = storeCommands(machine.step(now, { kind: 'wake' }))
      expect(command).toEqual({ kind: 'observe' })
      const answer = { kind: 'observed', own: { ...record, beat } } as const
      return storeCommands(machine.step(now, { kind: 'stored', id, answer })).map(
        (asked) => asked.command.kind,
      )
    }
    expect(asks(0, 0)).toEqual([])
    expect(asks(SECOND, 0)).toEqual([])
    expect(asks(2 * SECOND, 1)).toEqual(['acquire'])
  })

  it('a store that forgot everything gets a new owner, and the device an epoch it has not seen', () => {
    const world = new OwnerWorld(6, 2, noFaults)
    world.run(10 * SECOND)
    const epoch = world.deviceEpoch
    world.store.clear()
    world.run(15 * SECOND)
    expect(world.owner()).toBeDefined()
    expect(world.deviceEpoch).toBeGreaterThan(epoch)
  })

  it('lost answers, pauses and a store that forgets never make two owners act under one epoch', {
    timeout: 120_000,
  }, () => {
    for (let seed = 1; seed <= 150; seed++) {
      const world = new OwnerWorld(seed, 3, { lostAnswers: 0.03, forgets: seed % 2 === 0, pauses: true })
      for (let n = 1; n <= 600; n++) world.at(n * 100_000, () => world.say(`e${n % 5}`, Math.ceil(n / 5)))
      for (const at of [20, 40])
        world.at(at * SECOND, () => {
          const owner = world.owner()
          if (owner && world.processes.filter(({ alive }) => alive).length > 1) world.kill(owner)
        })
      world.run(60 * SECOND)
      expect(world.violations, `seed ${seed}`).toEqual([])
      if (seed % 2 === 1) {
        expect(world.skipped, `seed ${seed}`).toEqual([])
        expect(new Set(world.store.log).size, `seed ${seed}`).toBe(world.store.log.length)
      }
    }
  })
})
