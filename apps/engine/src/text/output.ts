import { hashText, mix32 } from '@kvasir/kernel'
import { tokensOf } from './tokens.js'

/** Words of three letters: with the space before it, each is one token, whether it is put out or comes back in a prompt. */
const words =
  'act add age ago aid aim air all and any arm art ask bad bag bar bay bed big bit box boy bus but buy can car cat cup cut dad day dog dry due ear eat egg end eye far few fit fly for fun gas get god gun guy has hat her hit hot how ice its job joy key kid law lay leg let lie lot low man map may men mix mom net new nor not now odd off oil old one our out owe own pay per pop pot put raw red rid row run sad say sea see set she shy sir sit six sky son sun tax tea ten the tie tip top toy try two use van via vie war way web wet who why win won yes yet you'.split(
    ' ',
  )
const texts = words.map((word) => ` ${word}`)
const tokens = texts.map((text) => tokensOf(text)[0])

/** Lengths that an answer takes of its own accord. */
const LENGTH_LEAST = 16
const LENGTH_MOST = 256

/** The longest answer that ends of its own accord, tokens. */
export const naturalLengthMost = LENGTH_MOST

/**
 * What a model answers to a prompt, on a device that does no arithmetic: a function of model and prompt alone. However a sequence is
 * batched, chunked, stopped or moved, its text is the same.
 */
export class Output {
  readonly #seed: number

  constructor(model: string, prompt: readonly number[]) {
    let seed = hashText(model)
    for (const token of prompt) seed = mix32(Math.imul(seed, 31) + token)
    this.#seed = seed
  }

  /** Tokens after which the answer ends of its own accord. */
  get naturalLength(): number {
    return LENGTH_LEAST + (mix32(this.#seed) % (LENGTH_MOST - LENGTH_LEAST + 1))
  }

  /** @param position of the token, from 0. */
  token(position: number): number {
    return tokens[this.#word(position)]
  }

  text(position: number): string {
    return texts[this.#word(position)]
  }

  #word(position: number): number {
    return mix32(this.#seed + Math.imul(position + 1, 0x9e3779b1)) % words.length
  }
}
