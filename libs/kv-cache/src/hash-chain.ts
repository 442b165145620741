import { mix32 } from '@kvasir/kernel'

/**
 * A 64-bit hash in two 32-bit lanes, folded word by word in place: hashing allocates nothing.
 * The lanes differ in seed and constants (those of MurmurHash3 x86_128, Austin Appleby), so that a collision needs both to
 * collide: with a million blocks registered the chance of one is about 3e-8. It is no cryptographic hash; a server that shares
 * its cache between tenants who may not learn of each other passes a secret seed.
 */
export class HashChain {
  a = 0
  b = 0

  /** Starts a chain that has seen nothing but the seed. */
  start(seed: number): void {
    this.a = mix32(seed ^ 0x239b961b)
    this.b = mix32(seed ^ 0x38b34ae5)
  }

  /** Folds one 32-bit word into both lanes. */
  fold(word: number): void {
    let k = Math.imul(word, 0x239b961b)
    k = Math.imul((k << 15) | (k >>> 17), 0xab0e9789)
    const a = this.a ^ k
    this.a = (Math.imul((a << 19) | (a >>> 13), 5) + 0x561ccd1b) | 0
    k = Math.imul(word, 0x38b34ae5)
    k = Math.imul((k << 17) | (k >>> 15), 0xa1e38b93)
    const b = this.b ^ k
    this.b = (Math.imul((b << 13) | (b >>> 19), 5) + 0x32ac3b17) | 0
  }

  /** Folds a whole number below 2^53 as two words. */
  foldNumber(value: number): void {
    this.fold(value | 0)
    this.fold(Math.floor(value / 0x1_0000_0000))
  }

  /** Ends one block: every bit of either lane reaches both. */
  seal(): void {
    this.a = mix32(this.a ^ Math.imul(this.b, 0x9e3779b1)) | 0
    this.b = mix32(this.b + this.a) | 0
  }
}
