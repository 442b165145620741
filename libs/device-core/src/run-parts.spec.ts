import { describe, expect, it } from 'vitest'
import { RunParts } from './run-parts.js'

describe('RunParts', () => {
  it('answers the part of each run once, in whatever order they end', () => {
    const runs = new RunParts()
    runs.add(1, 3)
    runs.add(2, 4)
    runs.add(3, 1)
    expect([runs.take(2), runs.take(3), runs.take(1), runs.take(1)]).toEqual([4, 1, 3, 0])
  })

  it('answers 0 for a run that is not under way', () => {
    const runs = new RunParts()
    expect(runs.take(7)).toBe(0)
    runs.add(8, 2)
    expect([runs.take(7), runs.take(8)]).toEqual([0, 2])
  })
})
