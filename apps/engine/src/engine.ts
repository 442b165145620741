import { randomUUID } from 'node:crypto'
import type { EngineProfile } from '@kvasir/contracts'
import { monotonicClock } from '@kvasir/devices'
import type { EngineDriver } from '@kvasir/platform'
import { type AnswerSink, Generation } from './generation.js'
import type { Serving } from './serving.js'
import { planAnswer } from './text/planned-answer.js'

/** What a client asks for, whichever way it was said. */
export interface Ask {
  readonly prompt: readonly number[]
  readonly maxTokens: number | undefined
  readonly stops: readonly string[]
  /** Higher runs first; undefined: as operators set it for the model. */
  readonly priority: number | undefined
  /** From now until its first token is due. */
  readonly deadlineMs: number | undefined
  readonly tenant: string | undefined
}

/** The engine as those see it who serve clients: text in, text out. */
export class Engine {
  readonly profile: EngineProfile
  readonly driver: EngineDriver
  readonly #contextLimit: number

  constructor(profile: EngineProfile, { model }: Serving, driver: EngineDriver) {
    this.profile = profile
    this.driver = driver
    this.#contextLimit = model.scheduler.contextLimit
  }

  /** Begins an answer. Answers how to abort it. */
  answer(ask: Ask, sink: AnswerSink): () => void {
    const { prompt, maxTokens, stops, priority, deadlineMs, tenant } = ask
    const roomTokens = this.#contextLimit - prompt.length
    const answer = planAnswer(this.profile.model.name, prompt, { maxTokens, roomTokens, stops })
    const generation = new Generation(prompt, answer, sink)
    const arrivalUs = monotonicClock.now()
    const { maxOutputTokens, outputTokens } = answer
    return this.driver.submit(
      {
        id: randomUUID(),
        promptTokens: prompt.length,
        maxOutputTokens,
        knownOutputTokens: outputTokens,
        priority: priority ?? this.driver.machine.lease.requestPriority,
        arrivalUs,
        ...(deadlineMs === undefined ? {} : { deadlineUs: arrivalUs + Math.round(1_000 * deadlineMs) }),
        ...(tenant === undefined ? {} : { tenant }),
        content: generation.content,
      },
      generation,
    )
  }
}
