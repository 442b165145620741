import { type ChildProcess, spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { obtainRedis, PrivateRedis } from '@kvasir/redis-store'
import { readRecords } from '@kvasir/results'
import { connectQueue, experimentsUnderWay, openExperiments } from '@kvasir/run-queue'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'

// Real processes, a build among them, and locks of killed ones that run out; on two cores that others use too.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

/** The command as people run it: the launcher, which builds what it runs. */
const launcher = fileURLToPath(new URL('../../bin/kvasir.js', import.meta.url))
/** What the launcher has built by then. */
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'kvasir-queue-'))
const server = await obtainRedis(() => undefined).catch((error: unknown) => {
  console.warn(`SKIPPED, no experiment runs over Redis: ${String(error)}`)
  return undefined
})

/** Six runs, each long enough to be killed in. */
const LENGTHS = [
  'prompt_tokens,output_tokens',
  ...Array.from({ length: 60 }, (_, i) => `${50 + 40 * i},${2 * i + 1}`),
]
const SPEC = `
name: tiny
question: Is sharing better than a partition?
base:
  name: tiny
  durationS: 60
  stopAtS: 60
  cluster: { groups: [{ id: a, gpu: H100, tp: 1 }] }
  models:
    - { name: chat, architecture: Llama-3.1-8B, pools: [a], slo: { ttftMs: 500, tpotMs: 50 } }
    - { name: code, architecture: Qwen3-8B, pools: [a], weight: 2 }
  workload:
    generators:
      - name: chat
        model: chat
        arrivals: { kind: poisson, ratePerS: 8 }
        lengths: { prompt: { kind: file, file: lengths.csv }, output: { kind: uniform, min: 1, max: 200 } }
      - name: code
        model: code
        arrivals: { kind: gamma, ratePerS: 4, cv: 3 }
        lengths: { prompt: { kind: fixed, tokens: 500 }, output: { kind: fixed, tokens: 100 } }
factors:
  - { name: policy, values: [static, weighted-max-min] }
seeds: { count: 3 }
samples: { perRun: 20 }
metrics:
  - { name: goodput, path: goodputPerS, better: higher }
`
const RUNS = 6

interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

class Command {
  said = ''
  readonly child: ChildProcess
  readonly finished: Promise<Finished>

  constructor(args: readonly string[], { code = 'test', program = main } = {}) {
    this.child = spawn(process.execPath, [program, 'experiment', ...args], {
      cwd: folder,
      // Sources may change while this runs; a name of the code does not.
      env: { ...process.env, NO_COLOR: '1', KVASIR_CODE: code },
    })
    this.child.stdout?.on('data', (data) => (this.said += String(data)))
    this.child.stderr?.on('data', (data) => (this.said += String(data)))
    this.finished = new Promise((resolve, reject) => {
      this.child.on('error', reject)
      this.child.on('close', (exit, signal) => resolve({ code: exit, signal }))
    })
  }

  /** Ids of runs of which it says so. */
  runs(what: 'begins' | 'ended'): readonly string[] {
    return [...this.said.matchAll(/run ([0-9a-f]+) (begins|ended)/g)].flatMap(([, id, how]) =>
      how === what ? [id] : [],
    )
  }

  async says(text: string, times = 1): Promise<void> {
    while (this.said.split(text).length <= times) {
      if (this.child.exitCode !== null) throw new Error(`it ended without saying ${text}:\n${this.said}`)
      await sleep(20)
    }
  }

  async end(signal: NodeJS.Signals): Promise<Finished> {
    this.child.kill(signal)
    return this.finished
  }
}

let redis: PrivateRedis
let url: string
const commands: Command[] = []

function begin(...args: readonly string[]): Command {
  const command = new Command(args)
  commands.push(command)
  return command
}

async function worker(...args: readonly string[]): Promise<Command> {
  const started = begin('worker', '--redis', url, '--slots', '1', ...args)
  await started.says('from unix:')
  return started
}

async function expectDone(command: Command): Promise<void> {
  expect(await command.finished, command.said).toMatchObject({ code: 0 })
}

function expectSameAsHere(name: string): void {
  const ended = readRecords(join(folder, name)).flatMap((record) =>
    record.kind === 'ended' ? [record.id] : [],
  )
  expect(ended).toHaveLength(RUNS)
  expect(new Set(ended).size).toBe(RUNS)
  for (const table of ['runs.parquet', 'samples.parquet'])
    expect(readFileSync(join(folder, name, table)).equals(readFileSync(join(folder, 'here', table)))).toBe(
      true,
    )
}

/** Experiments and runs in Redis, in whatever state, and outcomes. */
async function left(): Promise<readonly string[]> {
  const client = connectQueue(redis.address)
  const keys = await client.keys('kvasir:experiments:*')
  const waiting = openExperiments(client)
  expect(await experimentsUnderWay(waiting)).toEqual([])
  await waiting.close()
  client.disconnect()
  // What BullMQ keeps for a queue, whatever is in it.
  return keys.filter((key) => !/:(id|meta|events|marker|pc|stalled-check)$/.test(key))
}

describe.skipIf(server === undefined)('an experiment over Redis', () => {
  beforeAll(async () => {
    if (server === undefined) return
    writeFileSync(join(folder, 'tiny.yaml'), SPEC)
    writeFileSync(join(folder, 'lengths.csv'), `${LENGTHS.join('\n')}\n`)
    redis = await PrivateRedis.start({ program: server, persistent: false })
    url = `unix:${redis.address.socket}`
    const here = ['run', 'tiny.yaml', '--workers', '2', '--out', 'here']
    await expectDone(new Command(here, { program: launcher }))
  })
  afterEach(async () => {
    for (const { child } of commands) child.kill('SIGKILL')
    await Promise.all(commands.splice(0).map(({ finished }) => finished))
  })
  afterAll(async () => {
    await redis?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('runs every run once on its workers, comes to the same bytes as here, and leaves nothing in Redis', async () => {
    const workers = await Promise.all([worker(), worker()])
    await expectDone(begin('run', 'tiny.yaml', '--redis', url, '--out', 'queued', '--priority', '7'))
    expectSameAsHere('queued')
    const begun = workers.flatMap((each) => each.runs('begins'))
    expect(begun).toHaveLength(RUNS)
    expect(new Set(begun).size).toBe(RUNS)
    expect(await left()).toEqual([])
    expect(await workers[0].end('SIGTERM')).toMatchObject({ code: 0 })
    expect(workers[0].said).toContain('stopped')
  })

  it('gives the run of a worker that is killed to another', async () => {
    const victim = await worker()
    const run = begin('run', 'tiny.yaml', '--redis', url, '--out', 'survived')
    await victim.says('begins')
    const [lost] = victim.runs('begins')
    await victim.end('SIGKILL')
    const heir = await worker()
    await expectDone(run)
    expect(heir.runs('ended')).toContain(lost)
    expectSameAsHere('survived')
  })

  it('collects what was computed while its orchestrator was dead, and computes nothing twice', async () => {
    const only = await worker()
    const killed = begin('run', 'tiny.yaml', '--redis', url, '--out', 'resumed')
    await only.says('begins', 2)
    await killed.end('SIGKILL')
    const before = readRecords(join(folder, 'resumed')).length
    expect(before).toBeLessThan(RUNS)
    await only.says('ended', RUNS - 1)
    await expectDone(begin('resume', 'resumed', '--redis', url))
    expect(only.runs('begins')).toHaveLength(RUNS)
    expectSameAsHere('resumed')
    expect(await left()).toEqual([])
  })

  it('takes back what waits after Ctrl-C, waits for what is under way, and goes on when resumed', async () => {
    const only = await worker()
    const stopped = begin('run', 'tiny.yaml', '--redis', url, '--out', 'stopped')
    await only.says('begins')
    expect(await stopped.end('SIGINT')).toMatchObject({ code: 1 })
    expect(await left()).toEqual([])
    const done = readRecords(join(folder, 'stopped')).length
    expect(only.runs('begins')).toHaveLength(done)
    expect(done).toBeLessThan(RUNS)
    await expectDone(begin('resume', 'stopped', '--redis', url))
    expectSameAsHere('stopped')
  })

  it('is cancelled when its orchestrator is gone: nothing waits, and workers give up its runs', async () => {
    const only = await worker()
    const killed = begin('run', 'tiny.yaml', '--redis', url, '--out', 'cancelled')
    await only.says('begins')
    await killed.end('SIGKILL')
    const cancel = begin('cancel', 'cancelled', '--redis', url)
    await expectDone(cancel)
    expect(cancel.said).toContain('nothing of it is left')
    expect(await left()).toEqual([])
    expect(only.said).toContain('was given up')
  })

  it('a worker that is stopped gives its run back when it has no time to end it', async () => {
    const first = await worker('--grace', '0')
    const run = begin('run', 'tiny.yaml', '--redis', url, '--out', 'given')
    await first.says('begins')
    const [given] = first.runs('begins')
    expect(await first.end('SIGTERM')).toMatchObject({ code: 0 })
    expect(first.said).toContain('giving back 1 runs')
    const second = await worker()
    await expectDone(run)
    expect(second.runs('ended')).toContain(given)
    expectSameAsHere('given')
  })

  it('a worker of other code takes nothing and says why, unless it is told to', async () => {
    const other = new Command(['worker', '--redis', url, '--slots', '1'], { code: 'other' })
    commands.push(other)
    await other.says('from unix:')
    const run = begin('run', 'tiny.yaml', '--redis', url, '--out', 'strange')
    await run.says('no worker takes runs of kvasir')
    await other.says('takes none of its runs')
    expect(other.said).toContain('--code test to take them all the same')
    expect(other.runs('begins')).toEqual([])
    const told = new Command(['worker', '--redis', url, '--slots', '1', '--code', 'test'], { code: 'other' })
    commands.push(told)
    await expectDone(run)
    expectSameAsHere('strange')
  })

  it('a worker that has not the files of a scenario gives the run back and says what is missing', async () => {
    const elsewhere = join(folder, 'elsewhere')
    mkdirSync(elsewhere)
    const run = begin('run', 'tiny.yaml', '--redis', url, '--out', 'files')
    const blind = await worker('--folder', elsewhere)
    expect(await blind.finished).toMatchObject({ code: 1 })
    expect(blind.said).toContain(`reads ${join(elsewhere, 'lengths.csv')}, which is not on`)
    writeFileSync(join(elsewhere, 'lengths.csv'), 'prompt_tokens,output_tokens\n1,1\n')
    const wrong = await worker('--folder', elsewhere)
    expect(await wrong.finished).toMatchObject({ code: 1 })
    expect(wrong.said).toContain('which is another file')
    copyFileSync(join(folder, 'lengths.csv'), join(elsewhere, 'lengths.csv'))
    await worker('--folder', elsewhere)
    await expectDone(run)
    expectSameAsHere('files')
  })

  it('refuses what cannot be before anything is written', async () => {
    const refused = async (code: number, says: string, ...args: readonly string[]) => {
      const command = begin(...args)
      expect(await command.finished, command.said).toMatchObject({ code })
      expect(command.said).toContain(says)
      expect(existsSync(join(folder, 'never'))).toBe(false)
    }
    const run = ['run', 'tiny.yaml', '--out', 'never']
    await refused(2, '--redis is "localhost"; it must be a URL', ...run, '--redis', 'localhost')
    await refused(2, '--workers is 4; with --redis', ...run, '--redis', url, '--workers', '4')
    await refused(2, '--priority is 5; it goes with --redis only', ...run, '--priority', '5')
    await refused(2, '--priority is -1; it must be', ...run, '--redis', url, '--priority', '-1')
    await refused(1, 'does not answer', ...run, '--redis', 'unix:/nowhere.sock')
    await refused(2, '--slots is 0; it must be', 'worker', '--redis', url, '--slots', '0')
  })
})
