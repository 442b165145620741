import type { Profiler } from 'node:inspector/promises'
import { describe, expect, it } from 'vitest'
import { partsOf, simulationParts } from './profile-parts.js'

/** A frame of a library's file, and the frames that it calls. */
interface Frame {
  readonly file: string
  readonly inner: readonly Frame[]
}

function frame(file: string, ...inner: readonly Frame[]): Frame {
  return { file, inner }
}

/** A profile in which every frame is sampled once, for a second. */
function profileOf(root: Frame): Profiler.Profile {
  const nodes: Profiler.ProfileNode[] = []
  const add = ({ file, inner }: Frame): number => {
    const url = file.includes('/') ? `file:///somewhere/libs/${file.replace('/', '/dist/')}.js` : ''
    const callFrame = { functionName: file, scriptId: '0', url, lineNumber: 0, columnNumber: 0 }
    const node = { id: nodes.length + 1, callFrame, children: [] as number[] }
    nodes.push(node)
    node.children.push(...inner.map(add))
    return node.id
  }
  add(root)
  const samples = nodes.map(({ id }) => id)
  return { nodes, startTime: 0, endTime: 0, samples, timeDeltas: [0, ...samples.map(() => 1e6)] }
}

function secondsOf(root: Frame): Record<string, number> {
  const parts = partsOf(profileOf(root))
  return Object.fromEntries(simulationParts.flatMap((part) => (parts[part] > 0 ? [[part, parts[part]]] : [])))
}

describe('the parts of a profile', () => {
  it('are the machines, with what they call', () => {
    const engine = frame(
      'engine-core/engine-machine',
      frame('scheduler/step-planner', frame('kv-cache/block-pool')),
    )
    const broker = frame('coordinator-core/broker', frame('reclaim/decide'))
    const pool = frame('coordinator-core/pool-machine', frame('allocation/divide'), broker)
    expect(secondsOf(frame('simulation/simulation', engine, pool))).toEqual({
      'simulation loop': 1,
      engine: 1,
      scheduler: 2,
      coordinator: 2,
      broker: 2,
    })
  })

  it('tell the event queue, step times and books from the rest of the simulation', () => {
    const books = frame('simulation/recorder', frame('metrics/sample-set'), frame('scheduler/scheduler'))
    const queue = frame('kernel/event-heap')
    expect(secondsOf(frame('simulation/simulation', queue, frame('hardware/step-cost'), books))).toEqual({
      'simulation loop': 1,
      'event queue': 1,
      'step times': 1,
      bookkeeping: 3,
    })
  })

  it('leave out idle time', () => {
    expect(secondsOf(frame('(root)', frame('(idle)'), frame('(garbage collector)')))).toEqual({
      'garbage collection': 1,
      other: 1,
    })
  })
})
