import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { BadInput } from '../../bad-input.js'
import { readTasks } from './read-tasks.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-tasks-'))
afterAll(() => rmSync(folder, { recursive: true }))

const good = { id: 'a', model: 'Qwen3', weight: 2, arrival_s: 0.1, phase: 'decode', tokens: 5, tp: 4 }

function fileOf(...lines: readonly (object | string)[]): string {
  const path = join(folder, 'mine.jsonl')
  writeFileSync(
    path,
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  )
  return path
}

function problems(path: string): readonly string[] {
  try {
    readTasks(path)
  } catch (error) {
    if (error instanceof BadInput) return error.problems
    throw error
  }
  return []
}

describe('readTasks', () => {
  it('knows the workloads that come with the command', () => {
    const sizes = ['discriminating', 'Staggered', 'llm-task2'].map((name) => readTasks(name).tasks.length)
    expect(sizes).toEqual([20, 12, 500])
  })

  it('reads a file, with or without what is not used, and skips empty lines', () => {
    const { name, tasks } = readTasks(fileOf(good, '', { ...good, id: 'b', memory_gb: 30 }, ''))
    expect(name).toBe('mine')
    expect(tasks).toEqual(
      ['a', 'b'].map((id) => ({
        id,
        model: 'Qwen3',
        weight: 2,
        arrivalUs: 100_000,
        phase: 'decode',
        tokens: 5,
        tp: 4,
      })),
    )
  })

  it.each([
    ['{', 'line 1: not valid JSON'],
    [{ ...good, tokens: -1 }, 'line 1: tokens is -1; it must be a whole number of at least 1'],
    [{ ...good, phase: 'both' }, 'line 1: phase is "both"; it must be one of prefill, decode'],
    [{ ...good, weight: -1 }, 'line 1: weight is -1; it must be a number of at least 0'],
    [{ ...good, wait: 1 }, 'line 1: wait is not a known field'],
    [{ ...good, model: 'Qwen4' }, 'line 1: model is "Qwen4"; it must be one of DeepSeek-R1'],
  ])('refuses the line %j', (line, sentence) => {
    expect(problems(fileOf(line))[0]).toContain(sentence)
  })

  it('refuses an id that was there before, naming both lines', () => {
    expect(problems(fileOf(good, good))[0]).toMatch(/line 2: id is "a", as in .*mine\.jsonl line 1/)
  })

  it('says of a broken file only the first things that are wrong', () => {
    const all = problems(fileOf(...Array.from({ length: 9 }, () => '[')))
    expect(all).toHaveLength(6)
    expect(all[5]).toBe('and 4 more problems')
  })

  it('says what would do where there is no such file, no task in it, or a folder', () => {
    expect(problems('lama')[0]).toBe(
      '--workload is "lama"; it must be one of discriminating, staggered, llm-task2, or a file with a task in each line',
    )
    expect(problems(fileOf(' '))[0]).toContain('is empty; it must have a task in each line')
    mkdirSync(join(folder, 'sub'))
    expect(problems(join(folder, 'sub'))[0]).toContain('is a folder')
  })
})
