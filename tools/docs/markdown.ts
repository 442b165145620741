/** A place in a Markdown document that names something in the repository. */
export type Mention =
  /** `[text](target)`; `target` may have an anchor. */
  | { readonly kind: 'link'; readonly line: number; readonly target: string }
  /** A name in backticks, outside of code blocks. */
  | { readonly kind: 'code'; readonly line: number; readonly text: string }
  /** `[file](target): name, "sentence"`: what the file is said to contain. */
  | { readonly kind: 'quote'; readonly line: number; readonly target: string; readonly text: string }

interface Line {
  readonly number: number
  readonly text: string
}

/** Everything that a document names, in order. */
export function mentionsIn(document: string): Mention[] {
  return prose(document).flatMap(({ number, text }) => [
    ...links(text).map((target): Mention => ({ kind: 'link', line: number, target })),
    ...codeSpans(text).map((code): Mention => ({ kind: 'code', line: number, text: code })),
    ...quotes(text).map((quote): Mention => ({ kind: 'quote', line: number, ...quote })),
  ])
}

/** Names of the headings as GitHub spells them in links; a repeated one gets `-1`, `-2`. */
export function anchorsOf(document: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const { text } of prose(document)) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1]
    if (heading === undefined) continue
    const slug = slugOf(heading)
    let anchor = slug
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`
    anchors.add(anchor)
  }
  return anchors
}

function slugOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
}

/** The lines outside of fenced code blocks. */
function prose(document: string): Line[] {
  let isFenced = false
  return document.split('\n').flatMap((text, i) => {
    const isFence = /^\s*(```|~~~)/.test(text)
    if (isFence) isFenced = !isFenced
    return isFence || isFenced ? [] : [{ number: i + 1, text }]
  })
}

function links(text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^()\s]+)\)/g)].map((match) => match[1])
  const images = [...text.matchAll(/\b(?:src|srcset|href)="([^"\s]+)"/g)].map((match) => match[1])
  return [...targets, ...images]
}

function codeSpans(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1])
}

/** A link, a colon, and names or sentences that the file must contain, separated by commas. */
function quotes(text: string): { readonly target: string; readonly text: string }[] {
  const item = '(?:`[^`]+`|"[^"]+")'
  const pattern = new RegExp(`\\]\\(([^()\\s]+)\\): (${item}(?:, ${item})*)`, 'g')
  return [...text.matchAll(pattern)].flatMap(([, target, items]) =>
    [...items.matchAll(/`([^`]+)`|"([^"]+)"/g)].map((match) => ({ target, text: match[1] ?? match[2] })),
  )
}
