import type { StepQuestion } from '@kvasir/contracts'
import { BadInput } from '../bad-input.js'

const LARGEST = 1_000_000_000

/** `64x1024`: 64 sequences that see 1,024 tokens each. @throws {BadInput} for anything else. */
export function decodeGroups(texts: readonly string[]): StepQuestion['decode'] {
  return texts.map((text) => {
    const [sequences, contextTokens] = pairOf(text, /^(\d+)x(\d+)$/i, () => decodeProblem(text))
    if (sequences < 1 || contextTokens < 1) throw new BadInput(decodeProblem(text))
    return { sequences, contextTokens }
  })
}

/** `512@1024`: 512 prompt tokens after 1,024 computed ones; `512` alone begins a prompt. @throws {BadInput} for anything else. */
export function prefillChunks(texts: readonly string[]): StepQuestion['prefill'] {
  return texts.map((text) => {
    const [tokens, computedTokens] = pairOf(text, /^(\d+)(?:@(\d+))?$/, () => prefillProblem(text))
    if (tokens < 1) throw new BadInput(prefillProblem(text))
    return { tokens, computedTokens }
  })
}

function pairOf(text: string, pattern: RegExp, problem: () => string): readonly [number, number] {
  const match = pattern.exec(text.trim())
  const numbers = [Number(match?.[1]), Number(match?.[2] ?? 0)] as const
  if (match === null || numbers.some((value) => value > LARGEST)) throw new BadInput(problem())
  return numbers
}

function decodeProblem(text: string): string {
  return `--decode is "${text}"; it must be SEQUENCESxCONTEXT with whole numbers of at least 1, such as 64x1024`
}

function prefillProblem(text: string): string {
  return `--prefill is "${text}"; it must be TOKENS@COMPUTED, such as 512@0 for the first 512 tokens of a prompt`
}
