import { setTimeout as sleep } from 'node:timers/promises'
import type { DecisionRecord, Growth } from '@kvasir/contracts'
import { sloLimits } from '@kvasir/metrics'
import { requestsOf, type WorkloadFiles } from '@kvasir/simulation'
import { BadInput } from '../../bad-input.js'
import type { ClusterFile } from '../cluster-file.js'
import { ClusterTrouble } from '../cluster-trouble.js'
import { CoordinatorClient } from '../coordinator-client.js'
import { countDecisions, demoText } from './demo-table.js'
import { ModelTally } from './demo-tally.js'
import { LoanWatch } from './loan-watch.js'
import { playRequest } from './play-request.js'

export interface DemoPlace {
  readonly gateway: string
  readonly coordinator: string
  say(text: string): void
}

/** Newest decisions that are looked through. */
const DECISIONS = 20_000
const SAY_EVERY_MS = 5_000

/** Plays the cluster file's workload at the gateway, in real time. Answers a table. @throws {BadInput} when it needs files. */
export async function playDemo(
  { scenario, plan, path }: ClusterFile,
  { gateway, coordinator, say }: DemoPlace,
  signal: AbortSignal,
): Promise<string> {
  const requests = requestsOf(scenario, [], noFiles(path))
  const models = new Map(
    scenario.models.map((model) => [
      model.name,
      new ModelTally(sloLimits({ ...scenario.slo, ...model.slo })),
    ]),
  )
  const client = new CoordinatorClient([coordinator])
  const already = await decisionsOf(client)
  const grownBefore = await growthOf(client)
  const loans = new LoanWatch(client)
  const underWay = new Set<Promise<void>>()
  const began = performance.now()
  let sent = 0
  say(`playing ${scenario.durationS ?? 30} s of ${plan.name} at ${gateway}`)
  const progress = setInterval(() => say(`${sent} requests sent, ${underWay.size} under way`), SAY_EVERY_MS)
  for (let next = requests.next(); next && !signal.aborted; next = requests.next()) {
    await pauseUntil(began + next.arrivalUs / 1000, signal)
    if (signal.aborted) break
    const { model = '', promptTokens, outputTokens, priority } = next
    const tally = models.get(model)
    if (!tally) continue
    const terms = plan.models.find(({ name }) => name === model)?.terms
    const request = { model, promptTokens, outputTokens, priority: priority + (terms?.priority ?? 0) }
    const played = playRequest(gateway, `demo-${next.id}`, request, signal).then((seen) => {
      tally.add(seen)
      underWay.delete(played)
    })
    underWay.add(played)
    sent++
  }
  await Promise.all(underWay)
  clearInterval(progress)
  const durationUs = (performance.now() - began) * 1000
  const after = await decisionsOf(client)
  const decisions = already && after ? countDecisions(newDecisions(already, after)) : undefined
  const grownAfter = await growthOf(client)
  const growth = grownBefore && grownAfter ? growthBetween(grownBefore, grownAfter) : undefined
  return demoText({ durationUs, models, decisions, growth, lent: loans.stop() })
}

async function pauseUntil(atMs: number, signal: AbortSignal): Promise<void> {
  const waitMs = atMs - performance.now()
  if (waitMs > 1) await sleep(waitMs, undefined, { signal }).catch(() => undefined)
}

function decisionsOf(client: CoordinatorClient): Promise<readonly DecisionRecord[] | undefined> {
  return ifAnswered(() => client.decisions(DECISIONS))
}

/** By run of an engine. */
function growthOf(client: CoordinatorClient): Promise<ReadonlyMap<string, Growth> | undefined> {
  return ifAnswered(async () => {
    const engines = await client.engines()
    return new Map(
      engines.flatMap(({ engine, incarnation, growth }) =>
        growth ? [[`${engine}/${incarnation}`, growth] as const] : [],
      ),
    )
  })
}

/** Undefined when no coordinator answers: the demo goes on without. */
async function ifAnswered<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof ClusterTrouble || error instanceof BadInput) return undefined
    throw error
  }
}

function growthBetween(before: ReadonlyMap<string, Growth>, after: ReadonlyMap<string, Growth>): Growth {
  let [taken, asked] = [0, 0]
  for (const [run, growth] of after) {
    taken += growth.taken - (before.get(run)?.taken ?? 0)
    asked += growth.asked - (before.get(run)?.asked ?? 0)
  }
  return { taken, asked }
}

/** Those of `after` that `before` does not have. */
export function newDecisions(
  before: readonly DecisionRecord[],
  after: readonly DecisionRecord[],
): readonly DecisionRecord[] {
  const known = new Set(before.map(keyOf))
  return after.filter((record) => !known.has(keyOf(record)))
}

function keyOf(record: DecisionRecord): string {
  if (record.kind === 'round') return `${record.pool} ${record.epoch} ${record.round}`
  const id = record.kind === 'end' ? record.id : record.request.id
  return `${record.kind} ${id} ${record.atUs}`
}

function noFiles(path: string): WorkloadFiles {
  const refuse = (file: string): never => {
    throw new BadInput(`${path}: workload reads ${file}; the demo plays generators only`)
  }
  return { arrivalsUs: refuse, lengths: refuse }
}
