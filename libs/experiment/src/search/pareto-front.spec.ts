import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { type CostedValue, paretoFront } from './pareto-front.js'

function beats(one: CostedValue, other: CostedValue): boolean {
  const isNoWorse = one.cost <= other.cost && one.value >= other.value
  return isNoWorse && (one.cost < other.cost || one.value > other.value)
}

describe('paretoFront', () => {
  it('has those that no other beats, and no others, cheapest first', () => {
    for (let seed = 0; seed < 300; seed++) {
      const rng = new SeededRng(seed, 'front')
      const points = Array.from({ length: rng.int(30) }, () => ({ cost: rng.int(8), value: rng.int(8) }))
      const front = paretoFront(points)
      const unbeaten = points.flatMap((point, place) =>
        points.some((other) => beats(other, point)) ? [] : [place],
      )
      expect(
        [...front].sort((a, b) => a - b),
        `seed ${seed}`,
      ).toEqual(unbeaten)
      const costs = front.map((place) => points[place].cost)
      expect(costs).toEqual([...costs].sort((a, b) => a - b))
    }
  })
})
