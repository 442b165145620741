import { type Profiler, Session } from 'node:inspector/promises'

/** What a simulation's time goes into. */
export const simulationParts = [
  'scheduler',
  'engine',
  'device',
  'coordinator',
  'broker',
  'dispatch',
  'requests',
  'step times',
  'event queue',
  'bookkeeping',
  'simulation loop',
  'garbage collection',
  'other',
] as const
export type SimulationPart = (typeof simulationParts)[number]

/** Seconds of each part, by samples of the call stack. */
export type PartSeconds = Readonly<Record<SimulationPart, number>>

/** Microseconds between samples. At 5 ms they cost nothing that can be measured; at 1 ms, a third of a small run's time. */
const INTERVAL_US = 5_000

/** Runs `work` under V8's sampling profiler. */
export async function profileParts<T>(
  work: () => T,
): Promise<{ readonly result: T; readonly parts: PartSeconds }> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US })
  await session.post('Profiler.start')
  const result = work()
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  return { result, parts: partsOf(profile) }
}

/** The time of each sample goes to the part in which its innermost frame works. */
export function partsOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): PartSeconds {
  const partOf = new Map<number, SimulationPart>()
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const visit = (node: Profiler.ProfileNode, outer: SimulationPart) => {
    const part = partOfFrame(node.callFrame, outer)
    partOf.set(node.id, part)
    for (const id of node.children ?? []) {
      const child = byId.get(id)
      if (child !== undefined) visit(child, part)
    }
  }
  visit(nodes[0], 'other')
  const seconds = partsBy(() => 0)
  for (const [i, id] of samples.entries()) {
    // A sample stands for the time until the next one.
    const us = timeDeltas[i + 1] ?? 0
    if (byId.get(id)?.callFrame.functionName !== '(idle)') seconds[partOf.get(id) ?? 'other'] += us / 1e6
  }
  return seconds
}

/** A number for each part. */
export function partsBy(number: (part: SimulationPart) => number): Record<SimulationPart, number> {
  return {
    scheduler: number('scheduler'),
    engine: number('engine'),
    device: number('device'),
    coordinator: number('coordinator'),
    broker: number('broker'),
    dispatch: number('dispatch'),
    requests: number('requests'),
    'step times': number('step times'),
    'event queue': number('event queue'),
    bookkeeping: number('bookkeeping'),
    'simulation loop': number('simulation loop'),
    'garbage collection': number('garbage collection'),
    other: number('other'),
  }
}

/** Libraries that are a part of their own, whoever calls them but an inner part. */
const PARTS: ReadonlyMap<string, SimulationPart> = new Map<string, SimulationPart>([
  ['engine-core', 'engine'],
  ['device-core', 'device'],
  ['coordinator-core', 'coordinator'],
  ['dispatch', 'dispatch'],
  ['workload', 'requests'],
])

/** What of the simulation only remembers. */
const BOOKS =
  /^(recorder|cluster-book|outcome-record|model-record|pool-record|tenant-record|pool-load|timeline|run-summary)\./

/** A helper of several libraries, such as `hardware`, belongs to whoever calls it; the simulation's own part is what is left. */
function partOfFrame(
  { url, functionName }: Profiler.ProfileNode['callFrame'],
  outer: SimulationPart,
): SimulationPart {
  if (functionName === '(garbage collector)') return 'garbage collection'
  const [, lib, file] = /\/libs\/([\w-]+)\/(?:src|dist)\/(.+)$/.exec(url) ?? []
  if (lib === undefined) return outer
  if (lib === 'coordinator-core' && (outer === 'broker' || file.startsWith('broker.'))) return 'broker'
  const own = PARTS.get(lib)
  if (own !== undefined) return own
  if ((lib === 'scheduler' || lib === 'kv-cache') && outer === 'engine') return 'scheduler'
  const isLoop = outer === 'simulation loop' || outer === 'other'
  if (!isLoop) return outer
  if (lib === 'kernel' && file.startsWith('event-heap.')) return 'event queue'
  if (lib === 'hardware') return 'step times'
  if (lib === 'metrics' || (lib === 'simulation' && BOOKS.test(file))) return 'bookkeeping'
  return 'simulation loop'
}
