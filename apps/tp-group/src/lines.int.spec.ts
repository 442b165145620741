import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { DeviceAnswer } from '@kvasir/contracts'
import { RemoteGroup } from '@kvasir/devices'
import { afterEach, describe, expect, it, vi } from 'vitest'

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const built = existsSync(main)
if (!built) console.warn('SKIPPED: lines to a process of tp-group; build it first (npx tsc --build)')

const cleanUps: (() => void)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp()
})

function startGroup(folder: string): ChildProcess {
  const profile = {
    group: 'g0',
    gpu: 'H100',
    tp: 1,
    bundles: 20,
    listen: `unix:${join(folder, 'device.sock')}`,
    journal: join(folder, 'g0.journal'),
    http: { port: 0 },
    log: 'silent',
  }
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, KVASIR_PROFILE: JSON.stringify(profile) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  cleanUps.push(() => child.kill('SIGKILL'))
  return child
}

describe.runIf(built)('the line to a process', { timeout: 120_000 }, () => {
  it('outlives a process that is busy for seconds, and its death is heard', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kvasir-lines-'))
    cleanUps.push(() => rmSync(folder, { recursive: true }))
    const group = startGroup(folder)
    await vi.waitFor(() => expect(existsSync(join(folder, 'device.sock'))).toBe(true), 60_000)
    const remote = new RemoteGroup(`unix:${join(folder, 'device.sock')}`)
    cleanUps.push(() => remote.close())
    const heard: DeviceAnswer[] = []
    const lost: string[] = []
    const line = remote.connect({
      answer: (answer) => heard.push(answer),
      lost: (reason) => lost.push(reason),
    })
    line.send({ kind: 'fence', epoch: 1, nonce: 1 })
    await vi.waitFor(() => expect(heard).toHaveLength(1), 60_000)
    group.kill('SIGSTOP')
    line.send({ kind: 'fence', epoch: 2, nonce: 1 })
    await sleep(4_000)
    group.kill('SIGCONT')
    await vi.waitFor(() => expect(heard).toHaveLength(2), 60_000)
    expect(lost).toEqual([])
    group.kill('SIGKILL')
    await vi.waitFor(() => expect(lost).toHaveLength(1), 60_000)
  })
})
