import { STOPPED_FOR_ANOTHER, stoppedWorkLineSchema } from '@kvasir/contracts'
import type { EngineEffect } from '@kvasir/engine-core'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { noteStopped } from './note-stopped.js'

const priorities = [4, 7, -1]

/** What the log of engine chat@left says of `effect`. */
function linesOf(effect: EngineEffect): unknown[] {
  const lines: unknown[] = []
  const log = pino({ base: { name: 'chat@left' } }, { write: (text) => void lines.push(JSON.parse(text)) })
  noteStopped(log, effect, (slot) => priorities[slot])
  return lines
}

test('says whose work was stopped for which request, as those who check clusters read it', () => {
  const [line, ...more] = linesOf({
    kind: 'preempted',
    slots: [2, 0],
    cause: { kind: 'reclaim', request: 'code@right/9' },
  })
  expect(more).toEqual([])
  expect(stoppedWorkLineSchema.parse(line)).toEqual({
    name: 'chat@left',
    msg: STOPPED_FOR_ANOTHER,
    request: 'code@right/9',
    priorities: [-1, 4],
  })
})

test.each<[string, EngineEffect]>([
  [
    'what it stopped for want of blocks of its own',
    { kind: 'preempted', slots: [1], cause: { kind: 'own' } },
  ],
  [
    'what its device did not run',
    { kind: 'preempted', slots: [1], cause: { kind: 'device_refused', reason: 'stale_epoch' } },
  ],
  ['the end of a sequence', { kind: 'ended', slot: 1, reason: 'aborted' }],
])('does not tell %s', (_what, effect) => {
  expect(linesOf(effect)).toEqual([])
})
