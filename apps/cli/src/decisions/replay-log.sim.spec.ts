import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { DecisionLogLine, DecisionLogRecord } from '@kvasir/contracts'
import { headerHash, recordLine } from '@kvasir/event-log'
import { planCluster } from '@kvasir/simulation'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BadInput } from '../bad-input.js'
import { Interrupt } from '../run/interrupt.js'
import { createProgress } from '../run/progress.js'
import { simulateFlags } from '../simulate/flags.js'
import { prepareWorkload } from '../simulate/prepare-workload.js'
import { resolveScenario } from '../simulate/resolve-scenario.js'
import { runSimulation } from '../simulate/run-simulation.js'
import { findRequest, findRounds, logSource } from './decision-source.js'
import { parseEdit } from './edit-record.js'
import { imagineRequest, imagineRounds } from './imagine.js'
import { replayLog, type ReplayResult } from './replay-log.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-replay-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)

/** Decisions of the shipped scenario. */
const whole = at('three-models.jsonl.gz')
/** Its first lines with a close, as text. */
let lines: readonly string[] = []

beforeAll(async () => {
  await simulateShipped()
  const [header, ...rest] = gunzipSync(readFileSync(whole)).toString('utf8').split('\n')
  const few = rest.slice(0, 400).map((text) => lineOf(text).record)
  lines = chained(header, [...few, { kind: 'closed', decisions: few.length }])
}, 120_000)

/** As `kvasir simulate` does it, without files but the log. */
async function simulateShipped(): Promise<void> {
  const flags = simulateFlags('three-models', {})
  const resolved = await resolveScenario(flags)
  const workload = await prepareWorkload(resolved, flags)
  const planning = planCluster(resolved.scenario)
  if (planning.kind === 'refused') throw new BadInput(planning.problems)
  const interrupt = new Interrupt()
  const { plan } = planning.value
  const progress = createProgress('three-models', { requests: undefined, endUs: undefined })
  const { scenario } = resolved
  await runSimulation({ plan, scenario, workload, trace: undefined, decisions: whole, progress, interrupt })
  interrupt.dispose()
}

function lineOf(text: string): DecisionLogLine {
  return JSON.parse(text)
}

/** Lines of a log with hashes that fit. */
function chained(header: string, records: readonly DecisionLogRecord[]): readonly string[] {
  let head = headerHash(header)
  return [
    header,
    ...records.map((record, i) => {
      const { text, hash } = recordLine(i + 1, head, record)
      head = hash
      return text
    }),
  ]
}

/** What replaying says of the short log after an edit of its lines. */
async function replayed(
  edit: (lines: readonly string[]) => readonly string[],
  end = '\n',
): Promise<ReplayResult> {
  writeFileSync(at('edited.jsonl'), `${edit(lines).join('\n')}${end}`)
  return await replayLog(at('edited.jsonl'), () => {})
}

/** Records with one of them edited, and every hash made anew. */
function forged(place: number, edit: (text: string) => string): readonly string[] {
  const records = lines.slice(1).map((text, i) => {
    const { record } = lineOf(text)
    if (i !== place - 1) return record
    const [before, after] = [JSON.stringify(record), edit(JSON.stringify(record))]
    expect(after).not.toBe(before)
    return lineOf(`{"record":${after}}`).record
  })
  return chained(lines[0], records)
}

/** Line of the first round in which somebody is bound by its share. */
function contendedRound(): number {
  return lines.findIndex((text) => text.includes('"share"') && text.includes('"kind":"round"'))
}

describe('the log of the shipped scenario', () => {
  it('replays to the same bytes', { timeout: 120_000 }, async () => {
    const again: string[] = []
    const result = await replayLog(whole, (text) => again.push(text))
    expect(result).toMatchObject({ sameBytes: true, complete: true, chainBreaks: 0, firstDifference: null })
    expect(result.identical).toBe(result.decisions)
    for (const count of Object.values(result.byKind)) expect(count).toBeGreaterThan(100)
    expect(`${again.join('\n')}\n`).toBe(gunzipSync(readFileSync(whole)).toString('utf8'))
  })

  it('is explained and imagined from its records', { timeout: 120_000 }, async () => {
    const source = logSource(whole)
    const rounds = await findRounds(source, 42_500_000, { model: 'code' })
    expect(rounds.map(({ pool }) => pool).sort()).toEqual(['left', 'right'])
    const [imagined] = imagineRounds(rounds, [parseEdit('code.weight=1')], new Set())
    if (imagined.kind !== 'round') throw new Error('a round was imagined')
    const at = imagined.before.engines.findIndex((row) => row[1] === 'code')
    expect(imagined.after.answer.shares[at][0]).toBeLessThan(imagined.before.answer.shares[at][0])
    const same = imagineRounds(rounds, [parseEdit(`code.weight=2`)], new Set())
    for (const { before, after } of same) expect(after).toEqual(before)
  })
})

describe('replaying a log', () => {
  it('finds nothing where nothing was changed', async () => {
    const result = await replayed((all) => all)
    expect(result).toMatchObject({ decisions: 400, identical: 400, sameBytes: true, firstDifference: null })
  })

  it('finds a flipped byte by the hash, and by what it decides', async () => {
    const place = contendedRound()
    const result = await replayed((all) =>
      all.with(place, all[place].replace('"weighted-max-min"', '"proportional"')),
    )
    expect(result).toMatchObject({ chainBreaks: 1, sameBytes: false, complete: true })
    expect(result.firstDifference).toMatchObject({ line: place + 1, seq: place })
    expect(result.firstDifference?.field).toMatch(/^record\.answer\./)
    const reworded = await replayed((all) => all.with(5, all[5].replace('"epoch":1', '"epoch":2')))
    expect(reworded).toMatchObject({ chainBreaks: 1, identical: 400, sameBytes: false })
    expect(reworded.firstDifference).toMatchObject({ line: 6, seq: 5, field: 'hash' })
  })

  it('finds a line that was removed, the last one too, and lines that were swapped', async () => {
    const removed = await replayed((all) => all.toSpliced(7, 1))
    expect(removed.firstDifference).toMatchObject({ line: 8, field: 'seq', expected: 8, actual: 7 })
    const open = await replayed((all) => all.slice(0, -1))
    expect(open).toMatchObject({ complete: false, sameBytes: false, identical: 400 })
    expect(open.firstDifference).toMatchObject({ line: 402, field: 'line', expected: 'the end of the file' })
    const swapped = await replayed((all) => all.with(7, all[8]).with(8, all[7]))
    expect(swapped.sameBytes).toBe(false)
    expect(swapped.firstDifference).toMatchObject({ line: 8, field: 'seq' })
  })

  it('finds a torn last line', async () => {
    const torn = await replayed((all) => all.with(-1, all[all.length - 1].slice(0, 40)), '')
    expect(torn).toMatchObject({ identical: 400, complete: false })
    expect(torn.firstDifference?.expected).toMatch(/^it is torn/)
  })

  it('finds an edited record in a log whose hashes were made anew', async () => {
    const place = contendedRound()
    const answer = await replayed(() =>
      forged(place, (text) => text.replace(/"shares":\[\[(\d+)/, '"shares":[[1$1')),
    )
    expect(answer).toMatchObject({ chainBreaks: 0, identical: 399, sameBytes: false })
    expect(answer.firstDifference?.field).toBe('record.answer.shares[0][0]')
    const input = await replayed(() =>
      forged(place, (text) => text.replace('"roundUs":100000', '"roundUs":200000')),
    )
    expect(input).toMatchObject({ chainBreaks: 0, sameBytes: false })
    expect(input.firstDifference?.field).toBe('record.answer.capacity')
  })

  it('takes an edit that is consistent with all else for what it is: another log', async () => {
    const renamed = lines.slice(1).map((text) => lineOf(text.replaceAll('report@', 'reporter@')).record)
    const result = await replayed(() => chained(lines[0], renamed))
    expect(result).toMatchObject({ identical: 400, sameBytes: true })
    const original = await replayed((all) => all)
    expect(result.head).not.toBe(original.head)
  })
})

describe('asking a log', () => {
  it('names what is missing, and what there is instead', async () => {
    writeFileSync(at('short.jsonl'), `${lines.join('\n')}\n`)
    const source = logSource(at('short.jsonl'))
    await expect(findRequest(source, 'nobody')).rejects.toThrow('is no preemption request in')
    await expect(findRounds(source, 1e6, { model: 'chatt' })).rejects.toThrow('--model is "chatt"')
    await expect(findRounds(source, 0, { model: 'chat' })).rejects.toThrow('has the first round at')
    expect(() => logSource(at('missing.jsonl'))).toThrow('there is no such file')
    writeFileSync(
      at('bent.jsonl'),
      `${lines.with(3, lines[3].replace('"epoch":1', '"epoch":2')).join('\n')}\n`,
    )
    await expect(findRounds(logSource(at('bent.jsonl')), 1e6, {})).rejects.toThrow('line 4: hash is')
  })

  it('refuses edits by name', async () => {
    const rounds = await findRounds(logSource(whole), 42_500_000, {})
    const imagine = (text: string) => () => imagineRounds(rounds, [parseEdit(text)], new Set())
    expect(imagine('weight=3')).toThrow('must be NAME.FIELD=VALUE')
    expect(imagine('chat.weigth=3')).toThrow('did you mean weight?')
    expect(imagine('chat.weight=0')).toThrow('weight is 0; it must be a whole number of at least 1')
    expect(imagine('pool.policy=best')).toThrow('policy is "best"; it must be one of weighted-max-min')
    expect(imagine('nobody.weight=3')).toThrow('nobody here is called nobody')
  })

  it('imagines a request with another priority, other terms and other shares', {
    timeout: 120_000,
  }, async () => {
    const text = gunzipSync(readFileSync(whole)).toString('utf8')
    const id = /"id":"([^"]+)"[^\n]*"outcome":"granted"[^\n]*"priority",/.exec(text)?.[1] ?? ''
    const request = await findRequest(logSource(whole), id)
    const outcome = (...edits: readonly string[]) => {
      const [imagined] = imagineRequest(request, edits.map(parseEdit))
      if (imagined.kind !== 'donors') throw new Error('a choice was imagined')
      return imagined.after.answer
    }
    expect(outcome('request.priority=9')).toMatchObject({ outcome: 'granted' })
    expect(
      outcome(
        ...['chat', 'code', 'report'].flatMap((model) => [`${model}.protected=true`, `${model}.inUse=2000`]),
      ),
    ).toMatchObject({ granted: request.choices[0].view.free })
    const model = request.choices[0].request.engine.split('@')[0]
    expect(outcome(`${model}.weight=500`).numbers.entitlement).toBeGreaterThanOrEqual(
      request.choices[0].answer.numbers.entitlement,
    )
    expect(() => outcome('request.minBundles=5000')).toThrow('minBundles is 5000; it must be at most bundles')
  })
})
