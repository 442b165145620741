/**
 * SHA-256 of a text's UTF-8 bytes in hexadecimal (FIPS 180-4). For names that must be the content's own, such as the id of a run:
 * here because pure libraries cannot ask the platform for it. Not for secrets.
 */
export function sha256Hex(text: string): string {
  const words = paddedWords(utf8(text))
  const state = Uint32Array.from(INITIAL)
  const schedule = new Uint32Array(64)
  for (let block = 0; block < words.length; block += 16)
    compress(state, schedule, words.subarray(block, block + 16))
  return [...state].map((word) => word.toString(16).padStart(8, '0')).join('')
}

/** First 32 bits of the fractional parts of the square roots of the first 8 primes. */
const INITIAL = primes(8).map((prime) => fraction32(Math.sqrt(prime)))
/** And of the cube roots of the first 64. */
const ROUND = Uint32Array.from(primes(64).map((prime) => fraction32(Math.cbrt(prime))))

function primes(count: number): number[] {
  const found: number[] = []
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n)
  return found
}

function fraction32(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32)
}

function compress(state: Uint32Array, schedule: Uint32Array, block: Uint32Array): void {
  schedule.set(block)
  for (let i = 16; i < 64; i++) {
    const a = schedule[i - 15]
    const b = schedule[i - 2]
    const small0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)
    const small1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10)
    schedule[i] = schedule[i - 16] + small0 + schedule[i - 7] + small1
  }
  let [a, b, c, d, e, f, g, h] = state
  for (let i = 0; i < 64; i++) {
    const big1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const first = (h + big1 + ((e & f) ^ (~e & g)) + ROUND[i] + schedule[i]) | 0
    const big0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    const second = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + first) | 0
    d = c
    c = b
    b = a
    a = (first + second) | 0
  }
  for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) state[i] += word
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by))
}

/** The message in big-endian words: a one, zeros, and its length in bits at the end of the last block of 16. */
function paddedWords(bytes: readonly number[]): Uint32Array {
  const words = new Uint32Array(16 * Math.ceil((bytes.length + 9) / 64))
  for (const [i, byte] of [...bytes, 0x80].entries()) words[i >>> 2] |= byte << (24 - 8 * (i % 4))
  words[words.length - 2] = Math.floor(bytes.length / 2 ** 29)
  words[words.length - 1] = bytes.length * 8
  return words
}

/** Lone surrogates become U+FFFD, as every encoder has it. */
function utf8(text: string): number[] {
  const bytes: number[] = []
  for (const letter of text) {
    const read = letter.codePointAt(0) ?? 0
    const code = read >= 0xd800 && read <= 0xdfff ? 0xfffd : read
    if (code < 0x80) bytes.push(code)
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code, 0))
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(code, 6), tail(code, 0))
    else bytes.push(0xf0 | (code >> 18), tail(code, 12), tail(code, 6), tail(code, 0))
  }
  return bytes
}

function tail(code: number, shift: number): number {
  return 0x80 | ((code >> shift) & 0x3f)
}
