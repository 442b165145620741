/** What is known of a stream of server-sent events that has just begun. */
export type Opening =
  /** Nothing that a client could not be told again by another engine. */
  | 'nothing'
  /** The engine gave it up before the first token. */
  | 'lost'
  /** A token, or an end: from here on only this engine can go on. */
  | 'begun'

/** Codes of errors that another engine may not have. */
const lostCodes = new Set(['engine_lost', 'engine_left'])

/** Reads the whole events in `text`. A part of one at its end is not looked at. */
export function openingOf(text: string): Opening {
  for (const event of text.split('\n\n').slice(0, -1)) {
    const data = event
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(5).trim())
      .join('\n')
    const opening = data === '' ? 'nothing' : openingOfEvent(data)
    if (opening !== 'nothing') return opening
  }
  return 'nothing'
}

function openingOfEvent(data: string): Opening {
  const event = jsonIn(data)
  // `[DONE]`, or something new to us.
  if (event === undefined) return 'begun'
  if (isLostError(event)) return 'lost'
  const [choice] = listIn(fieldOf(event, 'choices'))
  const delta = fieldOf(choice, 'delta')
  // The first event of a chat says only who speaks.
  const saysNothing =
    textLength(fieldOf(choice, 'text')) + textLength(fieldOf(delta, 'content')) === 0 &&
    typeof fieldOf(choice, 'finish_reason') !== 'string' &&
    fieldOf(event, 'error') === undefined
  return saysNothing ? 'nothing' : 'begun'
}

/** Whether a body is an engine's word that it cannot go on. */
export function isLostError(body: unknown): boolean {
  const code = fieldOf(fieldOf(body, 'error'), 'code')
  return typeof code === 'string' && lostCodes.has(code)
}

export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textLength(value: unknown): number {
  return typeof value === 'string' ? value.length : 0
}
