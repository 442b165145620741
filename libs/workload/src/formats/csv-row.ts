const COMMA = 44
const QUOTE = 34
const SPACE = 32
const TAB = 9

/**
 * The fields of one CSV line as ranges of the text it stands in, without spaces around them and without
 * quotes (RFC 4180, except that a quoted field cannot span lines). Hot path: one row object is reused for
 * all lines.
 */
export class CsvRow {
  text = ''
  count = 0
  readonly starts: number[] = []
  readonly ends: number[] = []

  split(text: string, start: number, end: number): void {
    this.text = text
    this.count = 0
    let at = start
    for (;;) {
      let from = at
      while (from < end && isSpace(text.charCodeAt(from))) from++
      const comma =
        from < end && text.charCodeAt(from) === QUOTE ? this.#quoted(from, end) : this.#plain(from, end)
      if (comma >= end) return
      at = comma + 1
    }
  }

  /** Field `index` as text; undefined when the row has none. */
  field(index: number): string | undefined {
    if (index < 0 || index >= this.count) return undefined
    const start = this.starts[index]
    const field = this.text.slice(start, this.ends[index])
    return this.text.charCodeAt(start - 1) === QUOTE ? field.replaceAll('""', '"') : field
  }

  /** Both answer where the field's comma stands, or `end`. */
  #plain(from: number, end: number): number {
    let comma = from
    while (comma < end && this.text.charCodeAt(comma) !== COMMA) comma++
    let to = comma
    while (to > from && isSpace(this.text.charCodeAt(to - 1))) to--
    this.#add(from, to)
    return comma
  }

  #quoted(quote: number, end: number): number {
    let close = quote + 1
    while (close < end) {
      if (this.text.charCodeAt(close) !== QUOTE) close++
      else if (close + 1 < end && this.text.charCodeAt(close + 1) === QUOTE) close += 2
      else break
    }
    this.#add(quote + 1, Math.min(close, end))
    let comma = close
    while (comma < end && this.text.charCodeAt(comma) !== COMMA) comma++
    return comma
  }

  #add(start: number, end: number): void {
    this.starts[this.count] = start
    this.ends[this.count] = end
    this.count++
  }
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB
}
