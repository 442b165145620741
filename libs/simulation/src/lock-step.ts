import type { DeviceCommand } from '@kvasir/contracts'
import type { Run } from '@kvasir/device-core'
import { invariant, type Micros } from '@kvasir/kernel'
import type { EngineHost } from './build.js'

type Ready = Extract<DeviceCommand, { kind: 'ready' }>

/** A step of one engine that begins with those of the others. */
export interface JointRun {
  readonly engine: EngineHost
  readonly run: Run
}

/**
 * Engines that share the experts of one model, each on a TP group of its own with its own sequences (vLLM's data parallelism). They meet in
 * every layer, so their steps begin together and take what the slowest one takes. An engine without work computes experts for
 * the others only, and whatever reaches it meanwhile is planned when that step has ended.
 *
 * ```
 *   a   |== step ==|==== step ====|
 *   b   |-- dummy -|==== step ====|
 *            ^ request
 * ```
 *
 * None can compute without the others: when one is lost, all wait in the next layer for ever, and they begin anew together. vLLM ends the
 * whole set when the process of one dies (`vllm/v1/engine/core_client.py`: "died unexpectedly, shutting down client").
 */
export class LockStep {
  readonly members: readonly EngineHost[]
  #halted = false
  /** Those that asked for a turn while a step was under way, or that are to plan the next one now. */
  readonly #ready = new Map<EngineHost, Ready>()
  #next: JointRun[] = []
  #running = 0
  #gathering = false

  constructor(members: readonly EngineHost[]) {
    this.members = members
  }

  /** Whether one of them was lost, and they have not begun anew. */
  get halted(): boolean {
    return this.#halted
  }

  /** One of them is lost: no step begins any more. */
  halt(): void {
    this.#halted = true
    this.#ready.clear()
  }

  /** All of them begin anew. */
  begin(): void {
    invariant(this.#running === 0, () => `${this.#running} steps are under way among engines that begin`)
    this.#halted = false
    this.#ready.clear()
  }

  /** Keeps an engine's wish for a turn until all may plan. */
  ready(engine: EngineHost, command: Ready): void {
    this.#ready.set(engine, command)
  }

  /** An engine has planned its part of the next step. */
  add(part: JointRun): void {
    invariant(this.#running === 0, () => `${part.engine.plan.id} begins a step beside one that is under way`)
    this.#next.push(part)
  }

  /** One engine's part of the step has ended, or never will. */
  ended(): void {
    invariant(this.#running > 0, () => 'a step has ended that never began')
    this.#running--
  }

  /** When no step is under way: hands everybody's turn to `plan`, then what they planned to `start`, if anything. */
  gather(
    plan: (engine: EngineHost, command: Ready) => void,
    start: (parts: readonly JointRun[]) => void,
  ): void {
    if (this.#running > 0 || this.#gathering || this.#halted) return
    this.#gathering = true
    for (const [engine, command] of this.#ready) {
      this.#ready.delete(engine)
      plan(engine, command)
    }
    this.#gathering = false
    const parts = this.#next
    if (parts.length === 0) return
    this.#next = []
    this.#running = parts.length
    start(parts)
  }
}

/** How long a joint step takes: the slowest engine's copies and arithmetic, over the tokens of all of them. */
export function jointStepUs(parts: readonly JointRun[]): Micros {
  const groupTokens = parts.reduce((sum, { run }) => sum + run.shape.totalTokens, 0)
  return Math.max(
    ...parts.map(({ engine, run }) => {
      const computeUs = engine.cost.stepUs(run.shape, groupTokens) / run.share
      return run.copyUs + Math.max(1, Math.round(computeUs))
    }),
  )
}
