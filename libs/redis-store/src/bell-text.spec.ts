import { describe, expect, it } from 'vitest'
import { bellIn, budgetsIn } from './bell-text.js'

describe('what came on the channel of a bell', () => {
  it('of a peer of an older version is its name, and of a connection that was lost nothing', () => {
    expect(bellIn('e1')).toEqual({ kind: 'rang', peer: 'e1' })
    expect(bellIn('')).toEqual({ kind: 'rang', peer: '' })
  })

  it('of another kind than these says only who rang', () => {
    expect(bellIn('trumpet\ne1\n{}')).toEqual({ kind: 'rang', peer: 'e1' })
  })

  it('keeps what was said as it was, lines and all', () => {
    expect(bellIn('heartbeat\ne1\n{\n}\n')).toEqual({ kind: 'heartbeat', peer: 'e1', text: '{\n}\n' })
  })
})

describe('budgets of one commit', () => {
  it('are told apart by peer', () => {
    expect(budgetsIn('a\n[1]\nb\n[2]')).toEqual([
      ['a', '[1]'],
      ['b', '[2]'],
    ])
    expect(budgetsIn('')).toEqual([])
  })
})
