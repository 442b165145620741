import { SeededRng } from '@kvasir/kernel'
import { describe, expect, test } from 'vitest'
import { IntTables } from './int-tables.js'

describe('IntTables', () => {
  test.each([1, 2, 3, 4, 5])('holds what plain arrays hold, through growth and reuse (seed %i)', (seed) => {
    const rng = new SeededRng(seed, 'int-tables')
    const rows = 20
    const tables = new IntTables(2, 8)
    tables.ensureRows(rows)
    const model: number[][] = Array.from({ length: rows }, () => [])
    for (let i = 0; i < 3_000; i++) {
      const row = rng.int(rows)
      if (rng.int(60) === 0) {
        tables.clear(row)
        model[row] = []
        continue
      }
      for (let n = rng.int(9); n > 0; n--) {
        const value = rng.int(2 ** 31)
        tables.push(row, value)
        model[row].push(value)
      }
      expect(tables.length(row)).toBe(model[row].length)
      expect(Array.from(tables.view(row))).toEqual(model[row])
    }
    for (let row = 0; row < rows; row++) expect(Array.from(tables.view(row))).toEqual(model[row])
  })

  test('a million-entry row costs at most four times its entries', () => {
    const tables = new IntTables()
    for (let i = 0; i < 1_000_000; i++) tables.push(0, i)
    expect(tables.at(0, 999_999)).toBe(999_999)
    expect(tables.capacity).toBeLessThanOrEqual(4 * 2 ** 20)
  })

  test('rows that come and go reuse the arena', () => {
    const tables = new IntTables()
    const fill = (row: number) => {
      for (let i = 0; i < 1_000; i++) tables.push(row, i)
    }
    fill(0)
    fill(1)
    const capacity = tables.capacity
    for (let round = 0; round < 100; round++) {
      tables.clear(round % 2)
      fill(round % 2)
    }
    expect(tables.capacity).toBe(capacity)
  })
})
