const LINE_FEED = '\n'
const CARRIAGE_RETURN = 13
const BYTE_ORDER_MARK = '\uFEFF'

/**
 * Longest line kept while waiting for its end; beyond it the input is no line-based format and memory would
 * grow.
 */
export const LONGEST_LINE_CHARS = 8 * 1024 * 1024

/**
 * Cuts pushed text into lines: a line may be split over pushes, end in LF or CR LF, or lack an end at the
 * end of input. Blank lines are counted and passed over; a byte order mark is dropped. A line is the range
 * `start`..`end` of `text`, valid until the next call. Hot path: no copy per line, only what is left of the
 * last line is joined to the next push.
 */
export class TextLines {
  text = ''
  start = 0
  end = 0
  /** Number of the line last answered, from 1. */
  line = 0
  /** Begin of the first line not answered yet. */
  #rest = 0
  /** No line feed lies between #rest and here. */
  #searched = 0
  #begun = false
  #finished = false

  feed(text: string): void {
    let more = text
    if (!this.#begun && text.length > 0) {
      this.#begun = true
      if (text.startsWith(BYTE_ORDER_MARK)) more = text.slice(1)
    }
    const carried = this.text.length - this.#rest
    this.text = carried === 0 ? more : this.text.slice(this.#rest) + more
    this.#searched = carried
    this.#rest = 0
  }

  /** From here on an unended line counts as a line. */
  finish(): void {
    this.#finished = true
  }

  /** Moves to the next line that is not blank; false when more text is needed. */
  next(): boolean {
    for (;;) {
      const feed = this.text.indexOf(LINE_FEED, this.#searched)
      if (feed === -1 && (!this.#finished || this.#rest === this.text.length)) {
        this.#searched = this.text.length
        return false
      }
      const end = feed === -1 ? this.text.length : feed
      this.start = this.#rest
      this.end = end > this.start && this.text.charCodeAt(end - 1) === CARRIAGE_RETURN ? end - 1 : end
      this.#rest = feed === -1 ? end : feed + 1
      this.#searched = this.#rest
      this.line++
      if (!this.#isBlank()) return true
    }
  }

  /** Whether the line still waiting for its end is longer than any line should be. */
  get overlong(): boolean {
    return this.text.length - this.#rest > LONGEST_LINE_CHARS
  }

  #isBlank(): boolean {
    for (let i = this.start; i < this.end; i++) if (this.text.charCodeAt(i) > 32) return false
    return true
  }
}
