import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SeededRng } from './rng.js'
import { sha256Hex } from './sha256.js'

describe('sha256Hex', () => {
  it('says what the platform says for texts of every length around a block, in all widths of UTF-8', () => {
    const rng = new SeededRng(1, 'sha256')
    const letters = ['a', 'é', '漢', '😀', '\n', '"']
    for (let length = 0; length < 200; length++) {
      const text = Array.from({ length }, () => letters[rng.int(letters.length)]).join('')
      expect(sha256Hex(text), JSON.stringify(text)).toBe(createHash('sha256').update(text).digest('hex'))
    }
  })
})
