/**
 * HTML or SVG that is safe to put into a document: made only by the tag below, which escapes everything that is not markup
 * already. A name from a trace can therefore not become a tag, wherever it ends up.
 */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What may stand in a template: text and numbers are escaped, markup is taken as it is, nothing is left out. */
export type Slot = Markup | string | number | null | undefined | readonly Slot[]

/** `markup\`<b>${name}</b>\``: `name` is escaped for element content and for quoted attributes. */
export function markup(strings: TemplateStringsArray, ...slots: readonly Slot[]): Markup {
  return new Markup(strings.reduce((text, piece, i) => text + slotText(slots[i - 1]) + piece))
}

export const nothing = new Markup('')

function slotText(slot: Slot): string {
  if (slot === null || slot === undefined) return ''
  if (slot instanceof Markup) return slot.text
  if (typeof slot === 'string') return escapeText(slot)
  if (typeof slot === 'number') return String(slot)
  return slot.map(slotText).join('')
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
])

/** For element content and quoted attributes of HTML and XML; characters that XML forbids become U+FFFD. */
export function escapeText(text: string): string {
  return text
    .replace(/[&<>"']/g, (letter) => ENTITIES.get(letter) ?? letter)
    .replace(/[^\P{Cc}\t\n\r]|[\ufffe\uffff]/gu, '\ufffd')
}
