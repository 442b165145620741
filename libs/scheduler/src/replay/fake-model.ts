import type { GoldenRequest, PromptSegment } from './golden-case.js'

const endOfSequence = 2

/** Tokens of the recorded prompts and outputs, by the formulas of `golden/vllm/README.md`; every product is below 2^53. */
export function promptTokens(segments: readonly PromptSegment[], length: number): Int32Array {
  const tokens = new Int32Array(length)
  let at = 0
  for (const [kind, a, n] of segments) {
    for (let j = 0; j < n; j++) tokens[at++] = kind === 'p' ? promptToken(a, j) : plainOutputToken(a, j)
  }
  return tokens
}

/** Output number `k` (from 0) of request number `r`. */
export function outputToken(request: GoldenRequest, r: number, k: number): number {
  return request.eos_after === k + 1 ? endOfSequence : plainOutputToken(r, k)
}

export function isEndOfSequence(token: number): boolean {
  return token === endOfSequence
}

function promptToken(a: number, j: number): number {
  return 3 + ((a * 1_000_003 + j * 7_919) % 49_999)
}

function plainOutputToken(r: number, k: number): number {
  return 50_010 + ((r * 7_919 + k * 104_729) % 9_973)
}
