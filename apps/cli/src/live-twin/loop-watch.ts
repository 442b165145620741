import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Quiet } from '@kvasir/experiment'

/** How often the event loop is looked at, ms. */
const LOOK_EVERY_MS = 10

/** Watches how long this process, and the machine, keep others waiting. */
export class LoopWatch {
  readonly #delays = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS })
  readonly #beganMs = performance.now()
  readonly #waitedUs = cpuWaitUs()

  constructor() {
    this.#delays.enable()
  }

  /** What it saw so far. */
  stop(): Pick<Quiet, 'lagUs' | 'cpuPressure'> {
    this.#delays.disable()
    // The delay between two looks counts the pause that was meant.
    const lateUs = (nanos: number) => Math.max(0, nanos / 1_000 - LOOK_EVERY_MS * 1_000)
    const percentile = (percent: number) => lateUs(this.#delays.percentile(percent))
    const spanUs = (performance.now() - this.#beganMs) * 1_000
    const waitedUs = cpuWaitUs()
    return {
      lagUs: { p50: percentile(50), p90: percentile(90), max: lateUs(this.#delays.max) },
      cpuPressure:
        waitedUs === undefined || this.#waitedUs === undefined ? null : (waitedUs - this.#waitedUs) / spanUs,
    }
  }
}

/** Time in which some process of this machine waited for a core (Linux, Documentation/accounting/psi.rst); undefined elsewhere. */
function cpuWaitUs(): number | undefined {
  try {
    const some = /^some .*total=(\d+)/m.exec(readFileSync('/proc/pressure/cpu', 'utf8'))
    return some === null ? undefined : Number(some[1])
  } catch {
    return undefined
  }
}
