import { readFileSync } from 'node:fs'
import type { RunAnswer } from '@kvasir/experiment'

/** Processor time of a worker's process since it began, milliseconds. */
export interface WorkerUsage {
  /** All threads. */
  readonly totalMs: number
  /** The thread that computes; null where the system does not say. The others compile and collect garbage. */
  readonly ownMs: number | null
  /** Before its first run: starting Node and loading the code. */
  readonly startMs: number
}

/** What a worker says after a run. */
export interface WorkerReport {
  readonly answer: RunAnswer
  readonly usage: WorkerUsage
}

/** Linux counts a thread's time in hundredths of a second (`proc(5)`; USER_HZ is 100 wherever Node runs). */
const TICK_MS = 10
/** Fields of `stat` after the name in parentheses, which may hold anything: user and system time. */
const USER = 11
const SYSTEM = 12

export function usageNow(startMs: number): WorkerUsage {
  return { totalMs: processorMs(), ownMs: ownThreadMs(), startMs }
}

export function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function ownThreadMs(): number | null {
  try {
    const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[USER]) + Number(fields[SYSTEM])) * TICK_MS
  } catch {
    return null
  }
}
