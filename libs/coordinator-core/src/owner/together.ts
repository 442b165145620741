import type { Micros } from '@kvasir/kernel'

/**
 * About `everyUs` from now, on a whole multiple of it. What is done now and then and need not be exact is done at these times, by all offices
 * of a process: an idle process pays for waking up, and less for what it does then.
 */
export function togetherUs(now: Micros, everyUs: Micros): Micros {
  return (Math.round(now / everyUs) + 1) * everyUs
}
