import { finishReasons, type StepOutcome } from '../step-outcome.js'
import type { StepPlan } from '../step-plan.js'
import type { CaseObserver, CaseRun } from './drive-case.js'
import type { GoldenCase, GoldenStep } from './golden-case.js'

const kindLetters = ['R', 'N', 'P']

/** One recorded or replayed step in canonical form, without line ends. */
export interface StepLines {
  readonly step: number
  /** All scheduling decisions. */
  readonly decisions: string
  /** The physical blocks handed out. */
  readonly blocks: string
  /** Running and waiting ids after the step: not part of a digest, recorded for cases of level `full`. */
  readonly queues: string
}

/** Columns of a request's row in the recorded order. */
interface RequestRow {
  firstScheduled: number | null
  firstToken: number | null
  finished: number | null
  reason: string | null
  outputs: number
  preemptions: number
  /** Null when it was never scheduled. */
  firstHit: number | null
  totalHit: number
  scheduledTokens: number
}

/** Writes down a replay in the recorded format. */
export class Transcript implements CaseObserver {
  readonly lines: StepLines[] = []
  readonly totals = {
    scheduledTokens: 0,
    outputTokens: 0,
    preemptions: 0,
    hitTokens: 0,
    peakRunning: 0,
    peakUsedBlocks: 0,
  }
  readonly #golden: GoldenCase
  readonly #rows: RequestRow[]
  /** By request: blocks it had after its last planned step. */
  readonly #blocksBefore: Int32Array
  #added = ''
  #aborted = ''
  #scheduled = ''
  #preempted = ''
  #blocks = ''
  #freeAfterPlan = 0

  constructor(golden: GoldenCase) {
    this.#golden = golden
    this.#blocksBefore = new Int32Array(golden.requests.length)
    this.#rows = golden.requests.map(() => ({
      firstScheduled: null,
      firstToken: null,
      finished: null,
      reason: null,
      outputs: 0,
      preemptions: 0,
      firstHit: null,
      totalHit: 0,
      scheduledTokens: 0,
    }))
  }

  arrivals(run: CaseRun, added: readonly number[], aborted: readonly number[]): void {
    this.#added = this.#ids(added)
    this.#aborted = this.#ids(aborted)
    for (const r of aborted) {
      this.#rows[r].finished = run.step
      this.#rows[r].reason = 'abort'
    }
    this.#scheduled = ''
    this.#preempted = ''
    this.#blocks = ''
  }

  idle(run: CaseRun): void {
    if (this.#added === '' && this.#aborted === '') return
    this.#freeAfterPlan = run.pool.freeBlocks
    this.#write(run, '')
  }

  planned(run: CaseRun, plan: StepPlan): void {
    const scheduled: string[] = []
    const blocks: string[] = []
    const preempted: number[] = []
    for (let i = 0; i < plan.preemptedCount; i++) {
      const r = run.requestOf[plan.preempted[i]]
      preempted.push(r)
      this.#rows[r].preemptions++
      this.#countPreempted(r)
    }
    for (let k = 0; k < plan.count; k++) {
      const slot = plan.slots[k]
      const r = run.requestOf[slot]
      const kind = kindLetters[plan.kinds[k]]
      scheduled.push(`${this.#id(r)}:${kind}:${plan.tokens[k]}:${plan.computed[k]}`)
      this.#countScheduled(run.step, r, kind, plan.tokens[k], plan.computed[k])
      const table = run.scheduler.blockTable(slot)
      const from = kind === 'R' ? this.#blocksBefore[r] : 0
      if (table.length > from) blocks.push(`${this.#id(r)}:${table.subarray(from).join(' ')}`)
      this.#blocksBefore[r] = table.length
    }
    this.#scheduled = scheduled.join(',')
    this.#preempted = this.#ids(preempted)
    this.#blocks = blocks.join(',')
    this.#freeAfterPlan = run.pool.freeBlocks
    this.totals.peakRunning = Math.max(this.totals.peakRunning, run.scheduler.runningCount)
    this.totals.peakUsedBlocks = Math.max(this.totals.peakUsedBlocks, run.pool.usedBlocks)
  }

  completed(run: CaseRun, _plan: StepPlan, outcome: StepOutcome | undefined): void {
    const finished: string[] = []
    for (let i = 0; outcome !== undefined && i < outcome.tokenCount; i++) {
      const row = this.#rows[run.requestOf[outcome.tokenSlots[i]]]
      row.firstToken ??= run.step
      row.outputs++
      this.totals.outputTokens++
    }
    for (let i = 0; outcome !== undefined && i < outcome.finishedCount; i++) {
      const r = run.requestOf[outcome.finishedSlots[i]]
      const row = this.#rows[r]
      row.finished = run.step
      row.reason = finishReasons[outcome.finishedReasons[i]]
      finished.push(`${this.#id(r)}:${row.reason}:${row.outputs}`)
    }
    this.#write(run, finished.join(','))
  }

  /** Rows of `expect.requests`. */
  requestRows(): (string | number | null)[][] {
    return this.#rows.map((row, r) => [
      this.#id(r),
      row.firstScheduled,
      row.firstToken,
      row.finished,
      row.reason,
      row.outputs,
      row.preemptions,
      row.firstHit,
      row.totalHit,
      row.scheduledTokens,
    ])
  }

  #write(run: CaseRun, finished: string): void {
    const step = run.step
    const free = `${this.#freeAfterPlan}:${run.pool.freeBlocks}`
    const parts = [step, this.#added, this.#aborted, this.#scheduled, this.#preempted, finished, free]
    const name = (slot: number) => this.#id(run.requestOf[slot])
    const queues =
      this.#golden.level === 'full'
        ? `${run.scheduler.runningSlots().map(name).join(',')}|${run.scheduler.waitingSlots().map(name).join(',')}`
        : ''
    this.lines.push({ step, decisions: parts.join('|'), blocks: `${step}|${this.#blocks}`, queues })
  }

  #countScheduled(step: number, r: number, kind: string, tokens: number, computed: number): void {
    const row = this.#rows[r]
    row.scheduledTokens += tokens
    this.totals.scheduledTokens += tokens
    if (kind === 'R') return
    if (row.firstScheduled === null) {
      row.firstScheduled = step
      row.firstHit = computed
    }
    row.totalHit += computed
    this.totals.hitTokens += computed
  }

  #countPreempted(r: number): void {
    this.totals.preemptions++
    this.#blocksBefore[r] = 0
  }

  #id(r: number): string {
    return this.#golden.requests[r].id
  }

  #ids(numbers: readonly number[]): string {
    return numbers.map((r) => this.#id(r)).join(',')
  }
}

/** A recorded step of level `full` in canonical form. */
export function recordedLines(step: GoldenStep): StepLines {
  const decisions = [
    step.s,
    step.add.join(','),
    step.abort.join(','),
    step.sched.map((entry) => entry.join(':')).join(','),
    step.preempt.join(','),
    step.fin.map((entry) => entry.join(':')).join(','),
    step.free.join(':'),
  ].join('|')
  const blocks = step.blocks.map(([id, ids]) => `${id}:${ids.join(' ')}`).join(',')
  return {
    step: step.s,
    decisions,
    blocks: `${step.s}|${blocks}`,
    queues: `${step.run.join(',')}|${step.wait.join(',')}`,
  }
}
