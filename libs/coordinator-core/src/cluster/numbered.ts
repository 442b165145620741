/** A word of whoever owned something at the time. */
export interface Numbered {
  readonly epoch: number
  readonly sequence: number
}

/** Whether `word` was said after `known`. */
export function isNewer(word: Numbered, known: Numbered): boolean {
  return word.epoch > known.epoch || (word.epoch === known.epoch && word.sequence > known.sequence)
}
