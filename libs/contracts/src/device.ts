/**
 * What engines ask of a device (one TP group) and what it answers. On the wire this is `proto/kvasir/device/v1`;
 * here are the types both machines share. Bundle ids name physical bundles of the pool, the same on every rank.
 */

/** What one forward pass computes, summed over its sequences. */
export interface StepShape {
  /** In the batch, prefilling or decoding; one sample is drawn for each. */
  readonly sequences: number
  /** Tokens computed: prefill and decode. */
  readonly totalTokens: number
  readonly decodeSequences: number
  /** Sum of the context lengths that decodes read, their own token included. */
  readonly decodeContextTokens: number
  readonly prefillTokens: number
  /** Sum over chunks of computed + n, where n tokens follow `computed` earlier ones: keys and values read. */
  readonly prefillContextTokens: number
  /** Query-key pairs of the chunks under the causal mask: sum of n * computed + n * (n + 1) / 2. */
  readonly prefillPairs: number
}

/**
 * Whole blocks to copy between the device and the engine's host memory (swap). First every out, from device to host, then every
 * in, from host to device; a device block may be the source of an out and the target of an in. Entry k of a list is the pair
 * `[2 * k]`, a device block (bundle id times blocks per bundle plus place), and `[2 * k + 1]`, a host block. Lists may be longer
 * than their counts. A device that holds no bytes reads the counts alone.
 */
export interface BlockCopies {
  readonly outCount: number
  readonly inCount: number
  readonly outs: ArrayLike<number>
  readonly ins: ArrayLike<number>
}

/** What the name of a model stands for, so that a device can serve one that it has not heard of before. */
export interface DeviceModel {
  /** Name in the catalogue. */
  readonly architecture: string
  /** Number formats in place of the checkpoint's. */
  readonly weightDtype?: string
  readonly kvDtype?: string
  /** Host-cost preset of the step-time model; the device's own by default. */
  readonly host?: string
}

/** What an engine asks of the turn after a step before it has ended; as in `ready`, but that `slackUs` counts from the step's beginning. */
export interface NextTurn {
  readonly claim: number
  readonly slackUs?: number
}

export type DeviceCommand =
  | {
      readonly kind: 'open'
      readonly engine: string
      readonly incarnation: number
      readonly model: string
      /** Left out where the device knows its models by name. */
      readonly served?: DeviceModel
      /** Bytes of one KV block on each rank: what a copy of one moves over each host link. */
      readonly blockBytesPerRank: number
      /** Fraction of the group that is the engine's by weight; read only where fractions are fixed, or steps run side by side. */
      readonly share: number
    }
  /**
   * The same run of an engine over another line, after one was lost: the answer says what it has mapped. `step` is the number of the step
   * whose end it waits for, counted from 1 over those that were not refused, or 0: that step's end is said (again), if it was ever begun.
   * Refused when the group does not know the run, or has forgotten what its bundles held.
   */
  | {
      readonly kind: 'attach'
      readonly engine: string
      readonly incarnation: number
      readonly step: number
    }
  | { readonly kind: 'close'; readonly engine: string; readonly incarnation: number }
  /** Stores the epoch and its owner; everything older is refused from now on. */
  | { readonly kind: 'fence'; readonly epoch: number; readonly nonce: number }
  /** Up to `bundles` more; the answer names what was free. */
  | {
      readonly kind: 'map'
      readonly engine: string
      readonly incarnation: number
      readonly epoch: number
      readonly bundles: number
    }
  | {
      readonly kind: 'unmap'
      readonly engine: string
      readonly incarnation: number
      readonly bundles: readonly number[]
    }
  /**
   * The engine has work for a step; `claim` is what is left of its budget as a share of it. At or below 0 the step may run
   * only when nobody else waits. Said again while waiting, it replaces the claim.
   */
  | {
      readonly kind: 'ready'
      readonly engine: string
      readonly incarnation: number
      readonly epoch: number
      readonly claim: number
      /** How long the step may still wait before requests miss their latencies; absent when nothing is promised, or nothing can be kept. */
      readonly slackUs?: number
    }
  /**
   * Answers a turn: the step, planned at the last moment. Its copies, if it has any, come before its arithmetic. An engine that is a
   * message away, and sure of work, says with it what it will ask of its `next` turn: then nobody waits for its `ready`. `ifFree`: it
   * has no turn, and would be refused unless nobody uses the group or waits for it.
   */
  | {
      readonly kind: 'execute'
      readonly engine: string
      readonly incarnation: number
      readonly epoch: number
      readonly shape: StepShape
      readonly copies?: BlockCopies
      readonly next?: NextTurn
      readonly ifFree?: true
    }
  /**
   * Copies without a step, between steps of the engine: needs no turn, and whatever the engine says later comes after it. Only outs,
   * so that it is never stale: what is read is still the engine's own.
   */
  | {
      readonly kind: 'copy'
      readonly engine: string
      readonly incarnation: number
      /** Numbers the engine's copies; the answer names it. */
      readonly copy: number
      readonly copies: BlockCopies
    }
  /** Answers a turn: there is nothing to run after all. */
  | { readonly kind: 'pass'; readonly engine: string; readonly incarnation: number }

export type DeviceAnswer =
  | { readonly kind: 'mapped'; readonly engine: string; readonly bundles: readonly number[] }
  /** All bundles that are mapped, and whether the step that was waited for is known: then `executed` follows. */
  | {
      readonly kind: 'attached'
      readonly engine: string
      readonly bundles: readonly number[]
      readonly stepKnown: boolean
    }
  /** It is the engine's turn on the group; the group waits for its `execute` or `pass`. */
  | { readonly kind: 'turn'; readonly engine: string }
  | {
      readonly kind: 'executed'
      readonly engine: string
      readonly startedUs: number
      readonly finishedUs: number
      /** Fraction of the group's multiprocessors that the step ran on; left out where it had the group's time. */
      readonly share?: number
      /** The engine stands in line for its next turn, as it asked: it has no need to say `ready`. */
      readonly next?: true
    }
  /** The blocks lie in host memory: their bundles may be unmapped. */
  | { readonly kind: 'copied'; readonly engine: string; readonly copy: number }
  | {
      readonly kind: 'fenced'
      readonly epoch: number
      readonly held: readonly {
        readonly engine: string
        readonly incarnation: number
        readonly bundles: number
      }[]
    }
  | {
      readonly kind: 'refused'
      readonly engine: string
      readonly command: DeviceCommand['kind']
      readonly reason: DeviceRefusal
    }

export type DeviceRefusal =
  | 'stale_epoch'
  | 'stale_incarnation'
  | 'not_open'
  | 'pool_exhausted'
  | 'not_mapped'
  | 'not_your_turn'
