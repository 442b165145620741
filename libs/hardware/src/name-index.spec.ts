import { describe, expect, test } from 'vitest'
import { editDistance, NameIndex } from './name-index.js'

const index = new NameIndex([
  { name: 'Llama-3-8B', aliases: ['meta-llama/Meta-Llama-3-8B'] },
  { name: 'Llama-3-70B', aliases: [] },
  { name: 'Qwen3-8B', aliases: [] },
])

describe('NameIndex', () => {
  test.each(['Llama-3-8B', 'llama_3_8b', 'LLAMA3:8B', 'meta-llama/Meta-Llama-3-8B', 'someone/llama-3-8b'])(
    'finds %s whatever its case, separators and organisation',
    (name) => {
      expect(index.find(name)?.name).toBe('Llama-3-8B')
    },
  )

  test('keeps the point of a version, so that 3.1-8B is not 31-8B', () => {
    expect(index.find('Llama-3.8B')).toBeUndefined()
  })

  test('refuses an unknown name with the nearest names first and all known ones', () => {
    const refusal = index.refusal('llama-3-7b')
    expect(refusal.near[0]).toMatch(/^Llama-3-(8B|70B)$/)
    expect(refusal.known).toEqual(['Llama-3-70B', 'Llama-3-8B', 'Qwen3-8B'])
  })

  test('refuses to be built with one spelling for two entries', () => {
    const twice = [
      { name: 'A-1', aliases: [] },
      { name: 'B', aliases: ['a1'] },
    ]
    expect(() => new NameIndex(twice)).toThrow('a1 names A-1 and B')
  })
})

describe('editDistance', () => {
  test('counts insertions, deletions and replacements', () => {
    expect(editDistance('', 'abc')).toBe(3)
    expect(editDistance('kitten', 'sitting')).toBe(3)
    expect(editDistance('same', 'same')).toBe(0)
  })
})
