import { describe, expect, it } from 'vitest'
import { MersenneTwister } from './mersenne-twister.js'

// All figures are what CPython 3.11 prints for the same draws.
describe('MersenneTwister', () => {
  it('draws what CPython draws from the same seed', () => {
    const random = new MersenneTwister(42)
    const six = <T>(draw: () => T) => Array.from({ length: 6 }, draw)
    expect([random.unit(), random.unit(), random.unit()]).toEqual([
      0.6394267984578837, 0.025010755222666936, 0.27502931836911926,
    ])
    expect(six(() => random.below(6))).toEqual([1, 1, 5, 0, 5, 5])
    expect(six(() => random.between(1, 10))).toEqual([9, 2, 10, 7, 1, 1])
  })

  it.each([
    [0, 0.8444218515250481],
    [0xffff_ffff, 0.6353574441341173],
  ])('takes the seed %i', (seed, first) => {
    expect(new MersenneTwister(seed).unit()).toBe(first)
  })

  it('goes on after its state has been used up several times', () => {
    const random = new MersenneTwister(7)
    for (let i = 0; i < 2_000; i++) random.unit()
    expect(random.unit()).toBe(0.6415743501553379)
  })
})
