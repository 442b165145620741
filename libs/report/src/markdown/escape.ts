/** Text for a paragraph, a list or a cell of a table: nothing in it is taken for markup or ends the line. */
export function escapeMarkdown(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').replace(/[\\`*_{}[\]<>#|~&]/g, (letter) => `\\${letter}`)
}

/** Inside a span of code; a fence longer than any run of back quotes in it. */
export function codeSpan(text: string): string {
  const line = text.replace(/\p{Cc}+/gu, ' ')
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map((run) => run[0].length))
  const fence = '`'.repeat(longest + 1)
  return longest === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`
}
