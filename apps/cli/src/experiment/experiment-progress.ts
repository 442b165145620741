import { estimateWallMs, type RunExecutor, type RunsMachine } from '@kvasir/experiment'

/** A line on standard error that says how far an experiment is; nothing where that is no terminal. */
export class ExperimentProgressLine {
  readonly #machine: RunsMachine
  readonly #executor: Pick<RunExecutor, 'parallel'>
  readonly #stream: NodeJS.WriteStream

  constructor(
    machine: RunsMachine,
    executor: Pick<RunExecutor, 'parallel'>,
    stream: NodeJS.WriteStream = process.stderr,
  ) {
    this.#machine = machine
    this.#executor = executor
    this.#stream = stream
  }

  draw(): void {
    if (this.#stream.isTTY)
      this.#stream.write(`\r\u001b[2K${progressText(this.#machine, this.#executor.parallel)}`)
  }

  /** A whole line, above the line that is drawn again and again. */
  say(line: string): void {
    this.clear()
    this.#stream.write(`${line}\n`)
  }

  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\u001b[2K')
  }
}

/** `12/60 runs · 2 under way · about 34 s left` */
export function progressText(machine: RunsMachine, parallel: number): string {
  const { planned, ended, failed, underWay } = machine.progress
  const parts = [`${ended}/${planned} runs`, `${underWay} under way`]
  if (failed > 0) parts.push(`${failed} failed`)
  const { results } = machine
  const done = new Set(results.map(({ run }) => run.id))
  const left = machine.runs.filter(({ id }) => !done.has(id))
  const timed = results.map(({ run, summary }) => ({ run, wallMs: summary.wallMs }))
  const leftMs = estimateWallMs(left, timed)
  if (leftMs !== undefined && left.length > 0) parts.push(`about ${spanText(leftMs / parallel)} left`)
  return parts.join(' · ')
}

/** `34 s`, `5 min`, `2.5 h` */
export function spanText(ms: number): string {
  if (ms < 90_000) return `${Math.max(1, Math.round(ms / 1000))} s`
  return ms < 90 * 60_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}
