import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderTable } from './text-table.js'

describe('a text table', () => {
  it('aligns columns and rules off the header', () => {
    const table = renderTable({
      header: ['model', 'p99'],
      rows: [
        ['a', '1.5 s'],
        ['longer', '12 s'],
      ],
      align: ['left', 'right'],
    })
    expect(table).toBe(['model     p99', '─────────────', 'a       1.5 s', 'longer   12 s'].join('\n'))
  })

  it('keeps digits aligned where some cells are marked', () => {
    const table = renderTable({
      header: ['', 'x'],
      rows: [
        ['a', '10'],
        ['b', '9'],
      ],
      align: ['left', 'right'],
      isStrong: (row, column) => row === 1 && column === 1,
      emphasis: 'marks',
    })
    expect(table.split('\n').slice(2)).toEqual(['a  10', 'b   9*'])
  })

  it('emphasises in a terminal without disturbing the columns', () => {
    const options = { header: ['a', 'b'], rows: [['x', 'y']], isStrong: () => true }
    const plain = renderTable(options)
    expect(
      renderTable({ ...options, emphasis: 'ansi' })
        .replaceAll('\u001b[1m', '')
        .replaceAll('\u001b[22m', ''),
    ).toBe(plain)
  })

  it('counts wide letters as two columns and combining marks as none', () => {
    const lines = renderTable({
      header: ['', ''],
      rows: [
        ['漢字', '|'],
        ['abcd', '|'],
        ['e\u0301bcd', '|'],
      ],
    }).split('\n')
    expect(lines.slice(2)).toEqual(['漢字  |', 'abcd  |', 'e\u0301bcd  |'])
  })

  it('lets no control character of a name reach the terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const lines = renderTable({ header: ['name'], rows: [[name]] }).split('\n')
        expect(lines).toHaveLength(3)
        expect(lines[2]).not.toMatch(/\p{Cc}/u)
      }),
    )
  })
})
