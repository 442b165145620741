import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { StepSeries } from './step-series.js'
import { TimeWeighted } from './time-weighted.js'

describe('a time-weighted value', () => {
  it('weighs each value by the time it was held', () => {
    const bundles = new TimeWeighted(100)
    bundles.set(110, 4)
    bundles.add(130, 2)
    expect([bundles.integral(140), bundles.mean(140), bundles.peak, bundles.value]).toEqual([140, 3.5, 6, 6])
  })

  it('remembers a peak that lasted no time', () => {
    const queue = new TimeWeighted(0)
    queue.set(5, 9)
    queue.set(5, 0)
    expect([queue.peak, queue.mean(10)]).toEqual([9, 0])
  })

  it('is its value when no time has passed', () => {
    expect(new TimeWeighted(7, 3).mean(7)).toBe(3)
  })

  it('refuses time that runs backwards', () => {
    const value = new TimeWeighted(0)
    value.set(10, 1)
    expect(() => value.set(9, 2)).toThrow('time runs backwards: 9 after 10')
  })
})

describe('a step series', () => {
  it('gives the mean of a level, the largest of a peak and a flow per second in each bucket', () => {
    const series = new StepSeries(
      [
        { name: 'queue', kind: 'level' },
        { name: 'worst', kind: 'peak' },
        { name: 'tokens', kind: 'flow' },
      ],
      { widthUs: 10, capacity: 8 },
    )
    series.set(0, 5, 4)
    series.set(1, 5, 4)
    series.flow(2, 12, 30)
    series.set(0, 20, 1)
    series.set(1, 20, 1)
    const { timeUs, columns } = series.table(25)
    expect(timeUs).toEqual([0, 10, 20])
    expect(columns.map((column) => column.values)).toEqual([
      [2, 4, 1],
      [4, 4, 1],
      [0, 3_000_000, 0],
    ])
  })

  it('doubles the width when it is full, and keeps between half and all of its rows', () => {
    const series = new StepSeries([{ name: 'level', kind: 'level' }], { widthUs: 1, capacity: 4 })
    series.set(0, 0, 1)
    for (let now = 1; now < 1_000; now++) series.set(0, now, now % 2)
    const table = series.table(1_000)
    expect(table.widthUs).toBe(256)
    expect(table.timeUs).toEqual([0, 256, 512, 768])
    expect(table.columns[0].values.every((mean) => Math.abs(mean - 0.5) < 0.01)).toBe(true)
  })

  it('can be read and then continued', () => {
    const series = new StepSeries([{ name: 'level', kind: 'level' }], { widthUs: 10, capacity: 4 })
    series.set(0, 0, 2)
    expect(series.table(5).columns[0].values).toEqual([2])
    series.set(0, 10, 6)
    expect(series.table(20).columns[0].values).toEqual([2, 6])
  })

  it('shows an amount that happened in the very last microsecond', () => {
    const series = new StepSeries([{ name: 'tokens', kind: 'flow' }], { widthUs: 10, capacity: 4 })
    series.flow(0, 10, 5)
    expect(series.table(10).columns[0].values).toEqual([0, 500_000])
  })

  it('refuses time that runs backwards', () => {
    const series = new StepSeries([{ name: 'level', kind: 'level' }])
    series.set(0, 10, 1)
    expect(() => series.set(0, 9, 1)).toThrow('time runs backwards: 9 after 10')
  })

  for (let seed = 1; seed <= 20; seed++) {
    it(`keeps integral, peak and sum whatever is merged (seed ${seed})`, () => {
      const rng = new SeededRng(seed, 'step-series')
      const series = new StepSeries(
        [
          { name: 'level', kind: 'level' },
          { name: 'peak', kind: 'peak' },
          { name: 'flow', kind: 'flow' },
        ],
        { startUs: 1_000, widthUs: 1 + rng.int(5), capacity: 8 },
      )
      const level = new TimeWeighted(1_000)
      let now = 1_000
      let sum = 0
      for (let i = 0; i < 200; i++) {
        now += rng.int(1 + rng.int(60))
        const value = rng.int(50)
        level.set(now, value)
        series.set(0, now, value)
        series.set(1, now, value)
        series.flow(2, now, value)
        sum += value
      }
      const { timeUs, widthUs, columns } = series.table(now)
      const held = timeUs.map((start) => Math.max(0, Math.min(widthUs, now - start)))
      const integral = columns[0].values.reduce((total, mean, row) => total + mean * held[row], 0)
      expect(integral).toBeCloseTo(level.integral(now), 6)
      expect(Math.max(...columns[1].values)).toBe(level.peak)
      expect(columns[2].values.reduce((total, rate) => total + (rate * widthUs) / 1e6, 0)).toBeCloseTo(sum, 6)
      expect(timeUs.length).toBeLessThanOrEqual(8)
    })
  }
})
