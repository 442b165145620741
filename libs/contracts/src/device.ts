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

export type DeviceCommand =
  | {
      readonly kind: 'open'
      readonly engine: string
      readonly incarnation: number
      readonly model: string
      /** Fraction of the group's time that is the engine's alone; read only where time is partitioned. */
      readonly share: number
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
    }
  /** Answers a turn: the step, planned at the last moment. */
  | {
      readonly kind: 'execute'
      readonly engine: string
      readonly incarnation: number
      readonly epoch: number
      readonly shape: StepShape
    }
  /** Answers a turn: there is nothing to run after all. */
  | { readonly kind: 'pass'; readonly engine: string; readonly incarnation: number }

export type DeviceAnswer =
  | { readonly kind: 'mapped'; readonly engine: string; readonly bundles: readonly number[] }
  /** It is the engine's turn on the group; the group waits for its `execute` or `pass`. */
  | { readonly kind: 'turn'; readonly engine: string }
  | {
      readonly kind: 'executed'
      readonly engine: string
      readonly startedUs: number
      readonly finishedUs: number
    }
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
