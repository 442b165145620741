/** What a running simulation looks like from outside. */
export interface ProgressSample {
  readonly simulatedUs: number
  readonly events: number
  readonly submitted: number
  readonly ended: number
}

/** How far the whole run goes, as far as that is known beforehand. */
export interface ProgressGoal {
  readonly requests: number | undefined
  readonly endUs: number | undefined
}

export interface ProgressBar {
  update(sample: ProgressSample): void
  /** Takes the bar off the screen. */
  clear(): void
}

/** For runs that nobody watches. */
export const silentProgress: ProgressBar = { update: () => {}, clear: () => {} }

/** A bar on standard error; nothing at all where that is no terminal. */
export function createProgress(
  title: string,
  goal: ProgressGoal,
  stream: NodeJS.WriteStream = process.stderr,
): ProgressBar {
  return stream.isTTY ? new TerminalProgress(title, goal, stream) : silentProgress
}

/** Between two drawings of the bar. */
const DRAW_MS = 100

class TerminalProgress implements ProgressBar {
  readonly #title: string
  readonly #goal: ProgressGoal
  readonly #stream: NodeJS.WriteStream
  readonly #startMs = performance.now()
  #drawnMs = 0

  constructor(title: string, goal: ProgressGoal, stream: NodeJS.WriteStream) {
    this.#title = title
    this.#goal = goal
    this.#stream = stream
  }

  update(sample: ProgressSample): void {
    const now = performance.now()
    if (now - this.#drawnMs < DRAW_MS) return
    this.#drawnMs = now
    const line = progressLine(this.#title, sample, this.#goal, (now - this.#startMs) / 1000)
    this.#stream.write(`\r\u001b[2K${line.slice(0, (this.#stream.columns || DEFAULT_COLUMNS) - 1)}`)
  }

  clear(): void {
    if (this.#drawnMs > 0) this.#stream.write('\r\u001b[2K')
  }
}

/** Where the terminal does not say how wide it is. */
const DEFAULT_COLUMNS = 120

const BAR_WIDTH = 24

/**
 * One line: bar, simulated time, requests, events per second, time left. Separate from the terminal so that it can
 * be tested.
 */
export function progressLine(
  title: string,
  sample: ProgressSample,
  goal: ProgressGoal,
  elapsedS: number,
): string {
  const done = fractionDone(sample, goal)
  const filled = Math.round((done ?? 0) * BAR_WIDTH)
  const bar =
    done === undefined
      ? ''
      : `[${'='.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}] ${Math.floor(done * 100)} % `
  const left = done === undefined || done < 0.01 ? '' : ` · ${clock((elapsedS / done) * (1 - done))} left`
  const of = goal.requests === undefined ? '' : `/${grouped(goal.requests)}`
  const rate = elapsedS > 0 ? grouped(Math.round(sample.events / elapsedS)) : '0'
  const simulated = `${clock(sample.simulatedUs / 1e6)} simulated`
  return `${title} ${bar}${simulated} · ${grouped(sample.ended)}${of} requests · ${rate} events/s${left}`
}

/** By requests where their number is known, else by simulated time. */
function fractionDone(sample: ProgressSample, goal: ProgressGoal): number | undefined {
  if (goal.requests !== undefined && goal.requests > 0) return Math.min(1, sample.ended / goal.requests)
  if (goal.endUs !== undefined && goal.endUs > 0) return Math.min(1, sample.simulatedUs / goal.endUs)
  return undefined
}

function clock(seconds: number): string {
  const whole = Math.round(seconds)
  const minutes = Math.floor(whole / 60)
  const rest = String(whole % 60).padStart(2, '0')
  return minutes < 60
    ? `${minutes}:${rest}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}
