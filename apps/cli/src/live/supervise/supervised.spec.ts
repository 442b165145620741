import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { Supervised } from './supervised.js'

const started: Supervised[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((process) => process.stop()))
})

function supervise(program: string) {
  const lines: string[] = []
  const seen = { lines, refused: 0 }
  const process = new Supervised({
    name: 'p',
    kind: 'test',
    url: 'http://nowhere',
    args: ['-e', program],
    line: (line) => lines.push(line),
    changed: () => undefined,
    refused: () => seen.refused++,
  })
  started.push(process)
  process.start()
  return { process, seen }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10)
}

const lives = `console.log('here'); setInterval(() => {}, 1000)`

it('starts a process again that was killed, as another one', async () => {
  const { process: supervised, seen } = supervise(lives)
  await until(() => seen.lines.includes('here'))
  const { pid = 0 } = supervised.record
  process.kill(pid, 'SIGKILL')
  await until(() => seen.lines.filter((line) => line === 'here').length === 2)
  expect(supervised.record).toMatchObject({ state: 'running', restarts: 1 })
  expect(supervised.record.pid).not.toBe(pid)
  expect(seen.lines).toContain('ended by SIGKILL; starts again in 0.2 s')
})

it('waits longer before each start of a process that keeps ending', async () => {
  const { seen } = supervise('process.exit(1)')
  await until(() => seen.lines.length >= 3)
  expect(seen.lines.slice(0, 3)).toEqual(
    ['0.2', '0.4', '0.8'].map((pause) => `ended with 1; starts again in ${pause} s`),
  )
})

it('does not start a process again that says its profile is wrong', async () => {
  const { process: supervised, seen } = supervise(`console.error('wrong'); process.exit(2)`)
  await until(() => seen.refused === 1)
  expect(supervised.record).toMatchObject({ state: 'stopped', restarts: 0 })
})

it.each([
  ['ends with 0', `process.on('SIGTERM', () => process.exit(0))`],
  ['ends with 143, as Nest does', `process.on('SIGTERM', () => process.exit(143))`],
  ['is ended by the signal', ''],
])('stops a process that %s, and leaves it at that', async (_what, program) => {
  const { process: supervised, seen } = supervise(`${program}; ${lives}`)
  await until(() => seen.lines.includes('here'))
  await supervised.stop()
  expect(supervised.record).toMatchObject({ state: 'stopped', pid: undefined, restarts: 0 })
  expect(seen.lines).toEqual(['here'])
})

it('tells a process by its channel that nobody watches over it any more', async () => {
  const { seen } = supervise(
    `console.log(process.connected ? 'watched' : 'alone'); setInterval(() => {}, 1000)`,
  )
  await until(() => seen.lines.length > 0)
  expect(seen.lines).toEqual(['watched'])
})
