import { describe, expect, it } from 'vitest'
import { progressLine } from './progress.js'

const sample = { simulatedUs: 90e6, events: 40_000, submitted: 600, ended: 500 }

describe('progressLine', () => {
  it('shows the share of requests, simulated time, speed and time left', () => {
    const line = progressLine('conv', sample, { requests: 1000, endUs: undefined }, 2)
    expect(line).toBe(
      'conv [============            ] 50 % 1:30 simulated · 500/1,000 requests · 20,000 events/s · 0:02 left',
    )
  })

  it('goes by time where the number of requests is not known', () => {
    expect(progressLine('x', sample, { requests: undefined, endUs: 100e6 }, 2)).toContain(
      '] 90 % 1:30 simulated · 500 requests',
    )
  })

  it('promises nothing where the end is not known', () => {
    const line = progressLine('x', sample, { requests: undefined, endUs: undefined }, 0)
    expect(line).toBe('x 1:30 simulated · 500 requests · 0 events/s')
  })
})
