import { describe, expect, it } from 'vitest'
import { BalanceWorld } from '../testing/balance-world.js'

const SECOND = 1_000_000

function spread({ offices }: BalanceWorld): number {
  return Math.max(...offices) - Math.min(...offices)
}

describe('BalanceMachine', () => {
  it('spreads the offices of a coordinator that came first over those that come later, and then lets them be', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const world = new BalanceWorld(seed, 9)
      world.start('a')
      world.run(5 * SECOND)
      expect(world.offices, `seed ${seed}`).toEqual([9])
      world.start('b')
      world.start('c')
      world.run(60 * SECOND)
      expect(world.offices, `seed ${seed}`).toEqual([3, 3, 3])
      // Six are too many where they are; now and then one of them goes to the wrong one first.
      const moves = world.handedOver.length
      expect(moves, `seed ${seed}`).toBeLessThan(9)
      world.run(60 * SECOND)
      expect(world.handedOver, `seed ${seed}`).toHaveLength(moves)
    }
  })

  it('is even again after a coordinator died and came back, however many there are', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const world = new BalanceWorld(seed, 5 + seed)
      const names = ['a', 'b', 'c', 'd', 'e', 'f'].slice(0, 2 + (seed % 5))
      for (const name of names) world.start(name)
      world.run(60 * SECOND)
      expect(spread(world), `seed ${seed}`).toBeLessThan(2)
      world.kill('a')
      world.run(60 * SECOND)
      expect(spread(world), `seed ${seed}`).toBeLessThan(2)
      world.start('a')
      world.run(60 * SECOND)
      expect(spread(world), `seed ${seed}`).toBeLessThan(2)
      expect(
        world.offices.reduce((sum, n) => sum + n),
        `seed ${seed}`,
      ).toBe(5 + seed)
      const moves = world.handedOver.length
      world.run(60 * SECOND)
      expect(world.handedOver, `seed ${seed}`).toHaveLength(moves)
    }
  })

  it('hands nothing to a coordinator that has died, and keeps all where it is alone', () => {
    const world = new BalanceWorld(3, 4)
    world.start('a')
    world.run(5 * SECOND)
    world.start('b')
    world.run(1.2 * SECOND)
    world.kill('b')
    world.run(60 * SECOND)
    expect(world.offices).toEqual([4])
    expect(world.handedOver).toEqual([])
  })
})
