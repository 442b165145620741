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
import { obtainRedis, PrivateRedis } from '@kvasir/redis-store'
import { readRecords } from '@kvasir/results'
import { connectQueue, experimentsUnderWay, openExperiments } from '@kvasir/run-queue'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { kvasirHere } from '../testing/kvasir-here.js'
import { KvasirProcess, LAUNCHER } from '../testing/kvasir-process.js'

// Real processes, a build among them, and locks of killed ones that run out; on two cores that others use too.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const folder = mkdtempSync(join(tmpdir(), 'kvasir-queue-'))
const server = await obtainRedis(() => undefined).catch((error: unknown) => {
  console.warn(`SKIPPED, no experiment runs over Redis: ${String(error)}`)
  return undefined
})

/** Four runs, each long enough to be killed in. */
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
seeds: { count: 2 }
samples: { perRun: 20 }
metrics:
  - { name: goodput, path: goodputPerS, better: higher }
`
const RUNS = 4

/** Four candidates with a seed, then two of them with both: six runs. */
const BEST = `${SPEC.replaceAll('S: 60', 'S: 5').replace(/factors:\n.*\n/, '')}
search:
  kind: best
  axes:
    - { name: weight, path: models.code.weight, from: 1, to: 16, whole: true, scale: log }
    - { name: order, path: engine.order, choices: [fcfs, srpt] }
  candidates: 4
`

/** Sources may change while this runs; a name of the code does not. */
const ENV = { KVASIR_CODE: 'test' }

class Command extends KvasirProcess {
  constructor(words: readonly string[], env: Readonly<Record<string, string>> = ENV) {
    super(['experiment', ...words], { folder, env })
  }

  /** Ids of runs of which it says so. */
  runs(what: 'begins' | 'ended'): readonly string[] {
    return [...this.said.matchAll(/run ([0-9a-f]+) (begins|ended)/g)].flatMap(([, id, how]) =>
      how === what ? [id] : [],
    )
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

function workerWords(): readonly string[] {
  return ['worker', '--redis', url, '--slots', '1']
}

async function worker(...args: readonly string[]): Promise<Command> {
  const started = begin(...workerWords(), ...args)
  await started.says('from unix:')
  return started
}

async function expectDone(command: KvasirProcess): Promise<void> {
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
    // Of which no run ends before the command that cancels it has begun.
    writeFileSync(join(folder, 'long.yaml'), SPEC.replaceAll('S: 60', 'S: 20000'))
    writeFileSync(join(folder, 'best.yaml'), BEST)
    writeFileSync(join(folder, 'lengths.csv'), `${LENGTHS.join('\n')}\n`)
    redis = await PrivateRedis.start({ program: server, persistent: false })
    url = `unix:${redis.address.socket}`
    const here = ['experiment', 'run', 'tiny.yaml', '--workers', '2', '--out', 'here']
    // The launcher builds what the others run.
    await expectDone(new KvasirProcess(here, { folder, env: ENV, program: LAUNCHER }))
  })
  afterEach(async () => {
    for (const { child } of commands) child.kill('SIGKILL')
    await Promise.all(commands.splice(0).map(({ finished }) => finished))
  })
  afterAll(async () => {
    await redis?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  describe('with a worker that stays', () => {
    let only: Command
    beforeAll(async () => {
      only = new Command(workerWords())
      await only.says('from unix:')
    })
    beforeEach(() => only.forget())
    afterAll(() => only.end('SIGKILL'))

    it('runs every run once on its workers, comes to the same bytes as here, and leaves nothing in Redis', async () => {
      const workers = [only, await worker()]
      await expectDone(begin('run', 'tiny.yaml', '--redis', url, '--out', 'queued', '--priority', '7'))
      expectSameAsHere('queued')
      const begun = workers.flatMap((each) => each.runs('begins'))
      expect(begun).toHaveLength(RUNS)
      expect(new Set(begun).size).toBe(RUNS)
      expect(await left()).toEqual([])
      expect(await workers[1].end('SIGTERM')).toMatchObject({ code: 0 })
      expect(workers[1].said).toContain('stopped')
    })

    it('collects what was computed while its orchestrator was dead, and computes nothing twice', async () => {
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
      const killed = begin('run', 'long.yaml', '--redis', url, '--out', 'cancelled')
      await only.says('begins')
      await killed.end('SIGKILL')
      const cancel = begin('cancel', 'cancelled', '--redis', url)
      await expectDone(cancel)
      expect(cancel.said).toContain('nothing of it is left')
      expect(await left()).toEqual([])
      expect(only.said).toContain('was given up')
    })
  })

  it('looks for the best setting over its workers, and finds what it finds here', async () => {
    await worker()
    const optimise = (...where: readonly string[]) => begin('optimise', 'best.yaml', ...where)
    await expectDone(optimise('--workers', '1', '--out', 'best-here'))
    await expectDone(optimise('--redis', url, '--out', 'best-queued'))
    for (const file of ['search.json', 'runs.parquet'])
      expect(
        readFileSync(join(folder, 'best-queued', file)).equals(readFileSync(join(folder, 'best-here', file))),
      ).toBe(true)
    expect(await left()).toEqual([])
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
    const OTHER = { KVASIR_CODE: 'other' }
    const other = new Command(workerWords(), OTHER)
    commands.push(other)
    await other.says('from unix:')
    const run = begin('run', 'tiny.yaml', '--redis', url, '--out', 'strange')
    await run.says('no worker takes runs of kvasir')
    await other.says('takes none of its runs')
    expect(other.said).toContain('--code test to take them all the same')
    expect(other.runs('begins')).toEqual([])
    const told = new Command([...workerWords(), '--code', 'test'], OTHER)
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
    const refused = async (code: number, says: string, ...words: readonly string[]) => {
      const said = await kvasirHere(['experiment', ...words], { folder, env: ENV })
      expect(said).toMatchObject({ code, err: expect.stringContaining(says) })
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
