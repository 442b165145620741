import {
  engineLetterSchema,
  heartbeatSchema,
  operatorLetterSchema,
  poolReportSchema,
  poolWordSchema,
} from '@kvasir/contracts'
import type { ClusterSpeech, PoolSpeech, Speech } from '@kvasir/coordinator-core'
import type { Schema } from '../process/profile.js'

/** A place in the store, what is written there, and the pattern of its handler. */
export interface Place<T> {
  readonly pattern: string
  readonly schema: Schema<T>
}

/** How the peers of one kind of actor speak. Of letters there are several kinds, and each is its own pattern. */
export interface Language<S extends Speech> {
  readonly letters: { readonly patterns: readonly string[]; readonly schema: Schema<S['letter']> }
  readonly heartbeat: Place<S['heartbeat']>
  /** Of the actor above, if there is one. */
  readonly word?: Place<S['word']>
}

export const poolLanguage: Language<PoolSpeech> = {
  letters: { patterns: ['join', 'leave', 'request', 'cancel'], schema: engineLetterSchema },
  heartbeat: { pattern: 'heartbeat', schema: heartbeatSchema },
  word: { pattern: 'word', schema: poolWordSchema },
}

export const clusterLanguage: Language<ClusterSpeech> = {
  letters: { patterns: ['model', 'orders'], schema: operatorLetterSchema },
  heartbeat: { pattern: 'report', schema: poolReportSchema },
}

interface Patterns {
  readonly letters: { readonly patterns: readonly string[] }
  readonly heartbeat: { readonly pattern: string }
  readonly word?: { readonly pattern: string }
}

/** All patterns of a language. */
export function patternsOf({ letters, heartbeat, word }: Patterns): readonly string[] {
  return [...letters.patterns, heartbeat.pattern, ...(word ? [word.pattern] : [])]
}
