import pc from 'picocolors'

/** Colours of names, dealt out in turn. Red is left for what has gone wrong. */
const colours = [pc.cyan, pc.yellow, pc.green, pc.magenta, pc.blue, pc.white] as const

/** What of a log line is not worth a place in front of people: who, and when. */
const unsaid = new Set(['level', 'time', 'name', 'msg', 'pid', 'hostname', 'v'])
/** Levels of pino from here on are shown in red. */
const WARN = 40

/** Lines of many processes on one terminal: each begins with the name of who says it. */
export class LogLines {
  readonly #write: (text: string) => void
  readonly #width: number
  readonly #colours = new Map<string, (text: string) => string>()

  constructor(names: readonly string[], write: (text: string) => void) {
    this.#write = write
    this.#width = Math.max(...names.map((name) => name.length))
  }

  /** One line of a process: a JSON object of its log, or anything else as it is. */
  line(name: string, line: string): void {
    this.#write(`${this.#prefix(name)}${readable(line)}\n`)
  }

  #prefix(name: string): string {
    const colour = this.#colours.get(name) ?? colours[this.#colours.size % colours.length]
    this.#colours.set(name, colour)
    return colour(`${name.padEnd(this.#width)} │ `)
  }
}

function readable(line: string): string {
  const entry = entryIn(line)
  if (entry === undefined) return line
  const rest = Object.entries(entry)
    .filter(([key, value]) => !unsaid.has(key) && value !== entry['msg'])
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const text = [String(entry['msg'] ?? ''), ...rest].join(' ')
  return Number(entry['level']) >= WARN ? pc.red(text) : text
}

function entryIn(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}
