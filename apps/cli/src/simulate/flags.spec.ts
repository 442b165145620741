import { describe, expect, it } from 'vitest'
import { BadInput } from '../bad-input.js'
import { type RawSimulateOptions, simulateFlags } from './flags.js'

function problem(raw: RawSimulateOptions): string {
  try {
    simulateFlags(undefined, raw)
  } catch (error) {
    if (error instanceof BadInput) return error.message
    throw error
  }
  return ''
}

describe('simulateFlags', () => {
  it('leaves what is not said to the scenario', () => {
    expect(simulateFlags(undefined, {})).toMatchObject({
      policies: undefined,
      seeds: undefined,
      writeTrace: true,
      traceDetail: 'run',
    })
  })

  it('reads lists once each, in order', () => {
    const flags = simulateFlags('a.yaml', {
      policy: 'static, drf,static',
      seed: '3,1',
      modelMap: 'a=Qwen3-8B, b=chat',
    })
    expect(flags.policies).toEqual(['static', 'drf'])
    expect(flags.seeds).toEqual([3, 1])
    expect([...flags.modelMap]).toEqual([
      ['a', 'Qwen3-8B'],
      ['b', 'chat'],
    ])
  })

  it.each([
    [{ policy: 'static,fifo' }, '--policy is "fifo"; it must be one of weighted-max-min'],
    [{ order: 'random' }, '--order is "random"; it must be one of fcfs, priority'],
    [{ predictor: 'psychic' }, '--predictor is "psychic"; it must be one of oracle, max-tokens, learned'],
    [{ maxOutputTokens: '0' }, '--max-output-tokens is "0"; it must be a whole number of at least 1'],
    [{ victim: 'me' }, '--victim is "me"; it must be one of latest'],
    [{ preemption: 'move' }, '--preemption is "move"; it must be one of recompute, swap, cheapest'],
    [{ sharing: 'mps' }, '--sharing is "mps"; it must be one of time, spatial'],
    [{ seed: '-1' }, '--seed is "-1"; it must be a whole number of at least 0'],
    [{ seed: '' }, '--seed is ""; it must be a whole number'],
    [{ requests: '1.5' }, '--requests is "1.5"; it must be a whole number of at least 1'],
    [{ duration: '0' }, '--duration is "0"; it must be a number of seconds above 0'],
    [{ trace: 'a', traceFormat: 'parquet' }, '--trace-format is "parquet"; it must be one of azure-2023'],
    [{ traceFormat: 'arena' }, '--trace-format is arena; it must come with --trace FILE'],
    [{ traceDetail: 'all' }, '--trace-detail is "all"; it must be one of run, step'],
    [{ traceCompat: 'x' }, '--trace-compat is "x"; it must be one of llmsched'],
    [
      { traceCompat: 'llmsched', traceFile: false },
      '--trace-compat is llmsched; beside --no-trace it must be left out',
    ],
    [{ modelMap: 'a' }, '--model-map has "a"; it must be NAME=MODEL'],
    [{ modelMap: 'a=b=c' }, '--model-map has "a=b=c"; it must be NAME=MODEL'],
  ])('refuses %j by name and value', (raw, sentence) => {
    expect(problem(raw)).toContain(sentence)
  })
})
