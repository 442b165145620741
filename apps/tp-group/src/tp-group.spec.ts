import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DeviceAnswer, type DeviceCommand, tpGroupProfileSchema } from '@kvasir/contracts'
import { RemoteGroup } from '@kvasir/devices'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { GroupHealth } from './health.controller.js'
import { type RunningGroup, start } from './start.js'

let folder: string
let running: RunningGroup[]
let remotes: RemoteGroup[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvasir-group-'))
  running = []
  remotes = []
})
afterEach(async () => {
  for (const remote of remotes) remote.close()
  await Promise.all(running.map((group) => group.stop()))
  rmSync(folder, { recursive: true })
})

function profile(changes: object = {}) {
  return tpGroupProfileSchema.parse({
    group: 'g0',
    gpu: 'H100',
    tp: 2,
    bundles: 20,
    listen: `unix:${join(folder, 'device.sock')}`,
    journal: join(folder, 'g0.journal'),
    http: { port: 0 },
    log: 'silent',
    ...changes,
  })
}

async function startGroup(changes: object = {}): Promise<RunningGroup> {
  const group = await start(profile(changes))
  running.push(group)
  return group
}

/** Stands for the death of the process: sessions end, and nothing is said to anybody. */
async function stopGroup(group: RunningGroup): Promise<void> {
  running.splice(running.indexOf(group), 1)
  await group.stop()
}

/** Says all of it over one line, and waits for so many answers. */
function say(commands: readonly DeviceCommand[], answers: number): Promise<readonly DeviceAnswer[]> {
  const remote = new RemoteGroup(`unix:${join(folder, 'device.sock')}`)
  remotes.push(remote)
  return new Promise((resolve, reject) => {
    const heard: DeviceAnswer[] = []
    const line = remote.connect({
      answer: (answer) => {
        if (heard.push(answer) === answers) resolve(heard)
      },
      lost: (reason) => reject(new Error(reason)),
    })
    for (const command of commands) line.send(command)
  })
}

const fence = (epoch: number) => ({ kind: 'fence', epoch, nonce: 1 }) as const
const open = (architecture: string) =>
  ({
    kind: 'open',
    engine: 'a',
    incarnation: 1,
    model: 'mine',
    served: { architecture, kvDtype: 'fp8' },
    blockBytesPerRank: 1_000,
    share: 1,
  }) as const
const map = (bundles: number, epoch: number) =>
  ({ kind: 'map', engine: 'a', incarnation: 1, epoch, bundles }) as const

describe('a TP group', () => {
  it('knows after a restart who may command, and who has what', async () => {
    const first = await startGroup()
    await say([fence(3), open('Llama-3.1-70B'), map(6, 3)], 2)
    await stopGroup(first)
    const second = await startGroup()
    const health = (await (await fetch(`${second.url}/health`)).json()) as GroupHealth
    expect(health).toEqual({
      group: 'g0',
      epoch: 3,
      bundles: { total: 20, free: 14 },
      engines: [{ engine: 'a', incarnation: 1, bundles: 6 }],
    })
    expect(await say([fence(2), fence(4)], 2)).toMatchObject([
      { kind: 'refused', reason: 'stale_epoch' },
      { kind: 'fenced', held: [{ engine: 'a', bundles: 6 }] },
    ])
  })

  it('ends the session of who opens what the catalogue does not have', async () => {
    await startGroup()
    await expect(say([open('Lama-3')], 1)).rejects.toThrow(/architecture is "Lama-3"; it must be a model/)
  })

  it('does not start with less memory than is mapped', async () => {
    const group = await startGroup()
    await say([fence(1), open('Llama-3.1-8B'), map(12, 1)], 2)
    await stopGroup(group)
    await expect(startGroup({ bundles: 10 })).rejects.toThrow('bundles is 10; it must be above 11')
  })

  it('does not take the address of a group that lives', async () => {
    await startGroup()
    await expect(startGroup({ journal: join(folder, 'other.journal') })).rejects.toThrow(
      'another process does',
    )
  })
})
