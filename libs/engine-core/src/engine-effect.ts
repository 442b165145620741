import type {
  DeviceAnswer,
  DeviceCommand,
  DeviceRefusal,
  EngineDocument,
  EngineMessage,
  PreemptionOutcome,
} from '@kvasir/contracts'
import type { Micros, Tokens } from '@kvasir/kernel'
import type { SequenceInput, StepOutcome, StepPlan } from '@kvasir/scheduler'

/** What an engine is told: by its clients, the owner of its pool, its device, and the clock. */
export type EngineInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'stop' }
  /** The device can be spoken to again, over another line than before. */
  | { readonly kind: 'attach' }
  | { readonly kind: 'submit'; readonly sequence: SequenceInput }
  | { readonly kind: 'abort'; readonly slot: number }
  | { readonly kind: 'document'; readonly document: EngineDocument }
  | { readonly kind: 'wake' }
  | DeviceAnswer

/** Why a sequence was stopped and will be run again. */
export type PreemptionCause =
  | { readonly kind: 'own' }
  | { readonly kind: 'reclaim'; readonly request: string }
  | { readonly kind: 'lease_expired' }
  /** The device did not run the step that was planned. */
  | { readonly kind: 'device_refused'; readonly reason: DeviceRefusal }

/** What its driver does for an engine, in this order. */
export type EngineEffect =
  | { readonly kind: 'send'; readonly message: EngineMessage }
  | { readonly kind: 'device'; readonly command: DeviceCommand }
  | { readonly kind: 'accepted'; readonly id: string; readonly slot: number }
  | { readonly kind: 'refused'; readonly id: string; readonly reason: string; readonly detail: string }
  /** A step begins; the plan is the scheduler's and is valid until the engine's next turn. */
  | { readonly kind: 'planned'; readonly plan: StepPlan }
  | {
      readonly kind: 'stepped'
      /** Computed. The plan itself may be the next one's by now. */
      readonly tokens: Tokens
      readonly outcome: StepOutcome
      readonly startedUs: Micros
      readonly finishedUs: Micros
    }
  | { readonly kind: 'preempted'; readonly slots: readonly number[]; readonly cause: PreemptionCause }
  | {
      readonly kind: 'ended'
      readonly slot: number
      readonly reason: 'aborted' | 'engine_left' | 'exceeds_lease' | 'deadline_unreachable'
    }
  /** The device does not know this run any more: it can go on as another one only. */
  | { readonly kind: 'forgotten' }
  /** The request for memory ended: for the decision's other half, and for tests. */
  | { readonly kind: 'outcome'; readonly outcome: PreemptionOutcome }
