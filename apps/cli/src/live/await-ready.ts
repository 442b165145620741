import { setTimeout as sleep } from 'node:timers/promises'
import { ClusterTrouble } from './cluster-trouble.js'
import { ask } from './http.js'

/** How often a part is asked whether it is ready, ms. */
const ASK_EVERY_MS = 100

/**
 * Resolves when every URL answers 200, or when `signal` is aborted.
 * @throws {ClusterTrouble} naming what is not ready after `withinMs`.
 */
export async function awaitReady(
  urls: readonly string[],
  withinMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + withinMs
  for (const url of urls) {
    while (!signal.aborted && !(await isReady(url))) {
      if (performance.now() > deadline)
        throw new ClusterTrouble(`${url} is not ready after ${withinMs / 1000} s; the log above says why`)
      await sleep(ASK_EVERY_MS)
    }
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await ask(url)).status === 200
  } catch (error) {
    if (error instanceof ClusterTrouble) return false
    throw error
  }
}
