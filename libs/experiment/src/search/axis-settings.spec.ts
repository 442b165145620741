import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { drawSetting, settingAt, settingsCount } from './axis-settings.js'
import { drawCandidates } from './draw-candidates.js'

describe('the settings of an axis', () => {
  it('are as listed, by steps, or by shares with both ends among them', () => {
    const all = (axis: Parameters<typeof settingAt>[0]) =>
      Array.from({ length: settingsCount(axis) }, (_, i) => settingAt(axis, i))
    expect(all({ name: 'policy', values: ['static', 'drf'] })).toEqual([
      { level: 'static', set: { policy: 'static' } },
      { level: 'drf', set: { policy: 'drf' } },
    ])
    expect(all({ name: 'x', path: 'a.b', from: 0.1, to: 0.31, step: 0.1 }).map(({ set }) => set)).toEqual([
      { 'a.b': 0.1 },
      { 'a.b': 0.2 },
      { 'a.b': 0.3 },
    ])
    const rates = all({ name: 'rate', from: 0.25, to: 4, tolerance: 0.05 }).map(({ set }) =>
      Number(set['rate']),
    )
    expect(rates[0]).toBe(0.25)
    expect(rates.at(-1)).toBe(4)
    for (const [i, rate] of rates.slice(1).entries()) expect(rate / rates[i]).toBeLessThan(1.0501)
  })

  it('set several paths to multiples of the number', () => {
    const axis = {
      name: 'groups',
      from: 1,
      to: 3,
      each: { 'cluster.nodes[0].count': 4, 'models[*].replicas': 1 },
    }
    expect(settingAt(axis, 2)).toEqual({
      level: '3',
      set: { 'cluster.nodes[0].count': 12, 'models[*].replicas': 3 },
    })
  })

  it('are drawn evenly within the domain, in whole numbers where asked for', () => {
    const rng = new SeededRng(1, 'draws')
    const draws = (axis: Parameters<typeof drawSetting>[0]) =>
      Array.from({ length: 2_000 }, () => Number(drawSetting(axis, rng).level))
    const whole = draws({ name: 'w', from: 1, to: 4, whole: true })
    for (const value of [1, 2, 3, 4]) {
      const share = whole.filter((other) => other === value).length / whole.length
      expect(share).toBeGreaterThan(0.2)
      expect(share).toBeLessThan(0.3)
    }
    const logs = draws({ name: 'l', from: 0.01, to: 100, scale: 'log' })
    expect(Math.min(...logs)).toBeGreaterThanOrEqual(0.01)
    expect(Math.max(...logs)).toBeLessThanOrEqual(100)
    const below = logs.filter((value) => value < 1).length / logs.length
    expect(Math.abs(below - 0.5)).toBeLessThan(0.05)
  })
})

describe('drawCandidates', () => {
  it('draws different ones, the same for the same seed, and all there are where those are few', () => {
    const axes = [
      { name: 'a', choices: ['x', 'y'] },
      { name: 'b', from: 1, to: 3, whole: true },
    ]
    const levels = (count: number, seed: number) =>
      drawCandidates(axes, { count, seed }).map((candidate) => candidate.map(({ level }) => level).join(' '))
    expect(levels(4, 1)).toHaveLength(4)
    expect(levels(4, 1)).toEqual(levels(4, 1))
    expect(levels(4, 1)).not.toEqual(levels(4, 2))
    expect([...levels(50, 1)].sort()).toEqual(['x 1', 'x 2', 'x 3', 'y 1', 'y 2', 'y 3'])
  })
})
