import type { Micros } from '@kvasir/kernel'
import { leastPrefillUs } from './admission.js'
import type { Lifecycle } from './lifecycle.js'

/**
 * Last moment at which an engine may go on with its prompts for each first token to come within `ttftUs` of its arrival; Infinity
 * when none is to come, or for none of them there is time. Looks at what runs and at the head of the queue, and reckons with a prompt
 * computed alone. What is late already hurries nobody: others would be late for it in vain. O(running) while some prompt runs. Hot path:
 * asked for before every step, in which mostly all decode.
 */
export function firstTokenDueUs(life: Lifecycle, now: Micros, ttftUs: Micros): Micros {
  const { running, runningCount } = life
  let earliest = Infinity
  for (let i = 0, left = life.promptCount; left > 0 && i < runningCount; i++) {
    if (!life.isPrompt(running[i])) continue
    earliest = Math.min(earliest, beginsUs(life, running[i], now, ttftUs))
    left--
  }
  const head = life.waiting.head()
  return head === -1 ? earliest : Math.min(earliest, beginsUs(life, head, now, ttftUs))
}

function beginsUs(life: Lifecycle, slot: number, now: Micros, ttftUs: Micros): Micros {
  if (!life.isPrompt(slot)) return Infinity
  const { tokens, computed, arrivalUs } = life.store
  const dueUs = arrivalUs[slot] + ttftUs - leastPrefillUs(life.costs, tokens[slot] - computed[slot])
  return dueUs < now ? Infinity : dueUs
}
