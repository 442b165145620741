import { describe, expect, test } from 'vitest'
import { type BlockContent, SyntheticContent, TokenContent } from './block-content.js'
import { HashChain } from './hash-chain.js'

function hashes(content: BlockContent, blocks: number, blockSize: number, seed = 0): string[] {
  const chain = new HashChain()
  chain.start(seed)
  const found: string[] = []
  for (let block = 0; block < blocks; block++) {
    content.fold(chain, block, blockSize)
    chain.seal()
    found.push(`${chain.a}/${chain.b}`)
  }
  return found
}

const countUp = (n: number) => Array.from({ length: n }, (_, i) => i)

describe('content of real tokens', () => {
  test('equal tokens hash alike, and a difference changes its block and all after it', () => {
    const tokens = countUp(64)
    const changed = tokens.map((token) => (token === 37 ? 99 : token))
    const a = hashes(new TokenContent(tokens), 4, 16)
    expect(hashes(new TokenContent(tokens), 4, 16)).toEqual(a)
    const b = hashes(new TokenContent(changed), 4, 16)
    expect(b.slice(0, 2)).toEqual(a.slice(0, 2))
    expect(b[2]).not.toBe(a[2])
    expect(b[3]).not.toBe(a[3])
  })

  test('appended outputs hash like the same tokens in a prompt', () => {
    const grown = new TokenContent(countUp(10))
    for (let token = 10; token < 40; token++) grown.append(token)
    expect(grown.length).toBe(40)
    expect(hashes(grown, 5, 8)).toEqual(hashes(new TokenContent(countUp(40)), 5, 8))
  })

  test('a block whose tokens are not all known is refused', () => {
    expect(() => hashes(new TokenContent(countUp(15)), 1, 16)).toThrow('block 0 ends at token 16 of 15')
  })

  test('another seed gives other hashes', () => {
    const content = new TokenContent(countUp(16))
    expect(hashes(content, 1, 16, 1)).not.toEqual(hashes(content, 1, 16, 2))
  })

  test('hashes of 200,000 distinct blocks are distinct', () => {
    const seen = new Set<string>()
    const chain = new HashChain()
    for (let i = 0; i < 200_000; i++) {
      chain.start(0)
      chain.fold(i)
      chain.seal()
      seen.add(`${chain.a}/${chain.b}`)
    }
    expect(seen.size).toBe(200_000)
  })
})

describe('synthetic content', () => {
  const at = (uniqueSeed: number, prefixBlocks: number[]) =>
    new SyntheticContent({ uniqueSeed, prefixBlocks, prefixBlockTokens: 64 })

  test('blocks are shared exactly as far as the prefix ids agree', () => {
    const a = hashes(at(1, [10, 20, 30]), 12, 16)
    const b = hashes(at(2, [10, 20, 31]), 12, 16)
    expect(b.slice(0, 8)).toEqual(a.slice(0, 8))
    for (let block = 8; block < 12; block++) expect(b[block]).not.toBe(a[block])
  })

  test('what lies beyond the prefix belongs to one sequence alone', () => {
    const a = hashes(at(1, [10]), 6, 16)
    const b = hashes(at(2, [10]), 6, 16)
    expect(b.slice(0, 4)).toEqual(a.slice(0, 4))
    expect(b[4]).not.toBe(a[4])
    expect(hashes(at(1, [10]), 6, 16)).toEqual(a)
  })

  test('a block that reaches beyond the shared stretch is not shared', () => {
    const a = hashes(at(1, [10]), 2, 48)
    const b = hashes(at(2, [10]), 2, 48)
    expect(b[0]).toBe(a[0])
    expect(b[1]).not.toBe(a[1])
  })

  test('a unique seed never meets an equal prefix id', () => {
    expect(hashes(at(10, []), 1, 16)).not.toEqual(hashes(at(1, [10]), 1, 16))
  })
})
