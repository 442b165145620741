import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { budgetPlanSchema, preemptionPlanSchema } from '@kvasir/contracts'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { BadInput } from '../bad-input.js'
import { createProgram } from '../program.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** What the command prints; its refusals are thrown. */
async function kvasir(...args: string[]): Promise<string> {
  const parts: string[] = []
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    parts.push(String(text))
    return true
  })
  try {
    await createProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof BadInput && parts.length > 0) throw new Error(`printed ${parts.join('')}`)
    throw error
  } finally {
    write.mockRestore()
  }
  return parts.join('')
}

let files = 0
function file(content: unknown): string {
  const path = join(folder, `snapshot-${++files}.json`)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

function lines(...snapshots: readonly unknown[]): string {
  const path = join(folder, `snapshots-${++files}.jsonl`)
  writeFileSync(path, `${snapshots.map((snapshot) => JSON.stringify(snapshot)).join('\n')}\n`)
  return path
}

async function budgetsOf(snapshot: unknown, ...more: string[]) {
  const out = await kvasir('plan', 'budgets', '--input', file(snapshot), '--json', ...more)
  return budgetPlanSchema.parse(JSON.parse(out))
}

async function preemptionOf(snapshot: unknown) {
  const out = await kvasir('plan', 'preemption', '--input', file(snapshot), '--json')
  return preemptionPlanSchema.parse(JSON.parse(out))
}

describe('kvasir plan budgets', () => {
  const engines = [
    { id: 'chat', weight: 3, guarantee: 200 },
    { id: 'code', weight: 1, demand: 100 },
    { id: 'bulk', weight: 1, limit: 400 },
  ]

  it('divides by weight within guarantees, limits and demands, in the order of the snapshot', async () => {
    expect(await budgetsOf({ capacity: 1000, engines })).toEqual({
      budgets: [
        { engine: 'chat', tokens: 675 },
        { engine: 'code', tokens: 100 },
        { engine: 'bulk', tokens: 225 },
      ],
      lambda: 225,
      conditions: [],
    })
  })

  it('has no lambda when nobody is limited by it', async () => {
    const plan = await budgetsOf({ capacity: 1000, engines: [{ id: 'a', weight: 1, demand: 10 }] })
    expect(plan).toEqual({ budgets: [{ engine: 'a', tokens: 10 }], lambda: null, conditions: [] })
    expect(await budgetsOf({ capacity: 5, engines: [] })).toMatchObject({ budgets: [], lambda: null })
  })

  it('gives an idle engine nothing, a dead one nothing, and nobody more than the largest share', async () => {
    const plan = await budgetsOf({
      capacity: 100,
      maxShare: 0.6,
      engines: [
        { id: 'idle', weight: 5, demand: 0, guarantee: 20 },
        { id: 'dead', weight: 5, health: 'dead' },
        { id: 'busy', weight: 1 },
      ],
    })
    expect(plan.budgets.map(({ tokens }) => tokens)).toEqual([0, 0, 60])
  })

  it('divides guarantees that overcommit the capacity, and says so', async () => {
    const plan = await budgetsOf({
      capacity: 100,
      engines: [
        { id: 'a', weight: 1, guarantee: 90 },
        { id: 'b', weight: 1, guarantee: 90 },
      ],
    })
    expect(plan).toMatchObject({ conditions: ['guarantees_overcommitted'] })
    expect(plan.budgets.map(({ tokens }) => tokens)).toEqual([50, 50])
  })

  it('divides among groups first', async () => {
    const grouped = {
      capacity: 90,
      groups: [
        { id: 'team', weight: 2 },
        { id: 'half', weight: 1, parent: 'team', limit: 20 },
      ],
      engines: [
        { id: 'a', weight: 1, group: 'half' },
        { id: 'b', weight: 1, group: 'team' },
        { id: 'c', weight: 1 },
      ],
    }
    const plan = await budgetsOf(grouped)
    expect(plan.budgets.map(({ tokens }) => tokens)).toEqual([20, 40, 30])
    const flat = await budgetsOf(grouped, '--policy', 'proportional')
    expect(flat).toMatchObject({ conditions: ['groups_ignored'] })
    expect(flat.budgets.map(({ tokens }) => tokens)).toEqual([30, 30, 30])
  })

  it('is exact at the largest numbers', async () => {
    const capacity = Number.MAX_SAFE_INTEGER
    const plan = await budgetsOf({
      capacity,
      engines: ['a', 'b', 'c'].map((id) => ({ id, weight: 1_000_003 })),
    })
    expect(plan.budgets.reduce((sum, { tokens }) => sum + BigInt(tokens), 0n)).toBe(BigInt(capacity))
  })

  it.each(['weighted-max-min', 'proportional', 'drf', 'kapsl-compat', 'static', 'uncoordinated'])(
    'knows the policy %s',
    async (policy) => {
      expect((await budgetsOf({ capacity: 1000, engines }, '--policy', policy)).budgets).toHaveLength(3)
    },
  )

  it('gives one answer a line, none of which remembers another', async () => {
    const odd = { capacity: 1, engines: ['a', 'b'].map((id) => ({ id, weight: 1 })) }
    const out = await kvasir('plan', 'budgets', '--input', lines(odd, odd, { ...odd, capacity: 4 }))
    const answers = out.trimEnd().split('\n')
    expect(answers).toHaveLength(3)
    expect(answers[1]).toBe(answers[0])
    expect(JSON.parse(answers[2])).toMatchObject({ budgets: [{ tokens: 2 }, { tokens: 2 }] })
  })

  it('prints a table to people', async () => {
    const out = await kvasir('plan', 'budgets', '--input', file({ capacity: 1000, engines }))
    expect(out).toMatch(/chat +3 +200 +unlimited +unlimited +675/)
    expect(out).toContain('limited at 225 tokens per weight')
  })

  it.each([
    [{ engines }, /capacity is missing; it must be a whole number of at least 0/],
    [{ capacity: 1.5, engines }, /capacity is 1\.5; it must be a whole number/],
    [{ capacity: 2 ** 53, engines }, /capacity is 9007199254740992; .*at most 2\^53 - 1/],
    [{ capacity: -1, engines }, /capacity is -1/],
    [{ capacity: 1, engines, wieghts: 1 }, /wieghts is not a known field/],
    [
      { capacity: 1, engines: [{ id: 'a', weight: 1, demnad: 4 }] },
      /engines\[0\]\.demnad .*did you mean demand/,
    ],
    [{ capacity: 1, engines: [{ id: 'a', weight: 0 }] }, /engines\[0\]\.weight is 0; .*at least 1/],
    [{ capacity: 1, engines: [{ id: 'a', weight: 1.5 }] }, /engines\[0\]\.weight is 1\.5/],
    [{ capacity: 1, engines: [{ id: 'a', weight: 1, limit: null }] }, /engines\[0\]\.limit is null/],
    [
      { capacity: 9, engines: [{ id: 'a', weight: 1, guarantee: 5, limit: 4 }] },
      /engines\[0\]\.guarantee is 5; it must be at most the limit 4/,
    ],
    [
      { capacity: 9, engines: [engines[0], engines[0]] },
      /engines\[1\]\.id is "chat"; it must be an id that no other entry has/,
    ],
    [
      { capacity: 9, engines: [{ id: 'a', weight: 1, group: 'x' }] },
      /engines\[0\]\.group is "x"; it must be the id of a group/,
    ],
    [
      { capacity: 9, engines, groups: [{ id: 'x', weight: 1, parent: 'y' }] },
      /groups\[0\]\.parent is "y"; it must be the id of another group: x/,
    ],
    [
      {
        capacity: 9,
        engines,
        groups: [
          { id: 'x', weight: 1, parent: 'y' },
          { id: 'y', weight: 1, parent: 'x' },
        ],
      },
      /groups\[0\]\.parent is "y"; it must be a group that is not below this one/,
    ],
    [
      { capacity: 9, engines, maxShare: 1.1 },
      /maxShare is 1\.1; it must be a number of at least 0 and at most 1/,
    ],
    ['{"capacity": 1,}', /snapshot-\d+\.json: not valid JSON/],
    ['[]', /the document is \[\]|the document is empty/],
  ])('refuses %j by name', async (snapshot, sentence) => {
    await expect(kvasir('plan', 'budgets', '--input', file(snapshot))).rejects.toThrow(sentence)
    await expect(kvasir('plan', 'budgets', '--input', file(snapshot))).rejects.toBeInstanceOf(BadInput)
  })

  it('refuses by line, and answers nothing then', async () => {
    const good = { capacity: 10, engines }
    const bad = { capacity: 10, engines: [{ id: 'a', weight: -1 }] }
    const path = lines(good, bad, good)
    await expect(kvasir('plan', 'budgets', '--input', path)).rejects.toThrow(
      `${path}: line 2: engines[0].weight is -1`,
    )
    const gap = join(folder, 'gap.jsonl')
    writeFileSync(gap, `${JSON.stringify(good)}\n\n${JSON.stringify(good)}\n`)
    await expect(kvasir('plan', 'budgets', '--input', gap)).rejects.toThrow('line 2: is empty')
    writeFileSync(gap, '')
    await expect(kvasir('plan', 'budgets', '--input', gap)).rejects.toThrow('holds no snapshot')
    await expect(kvasir('plan', 'budgets', '--input', join(folder, 'none.jsonl'))).rejects.toThrow(
      'no such file',
    )
    await expect(kvasir('plan', 'budgets', '--input', file(good), '--policy', 'best')).rejects.toThrow(
      '--policy is "best"; it must be one of weighted-max-min',
    )
  })
})

describe('kvasir plan preemption', () => {
  const chat = { id: 'chat', weight: 1, guarantee: 20, leased: 30, inUse: 30, supply: [] }
  const bulk = {
    id: 'bulk',
    weight: 1,
    guarantee: 20,
    leased: 66,
    inUse: 64,
    supply: [
      { priority: 1, bundles: 4, costUs: 900 },
      { priority: 1, bundles: 6, costUs: 1200 },
      { priority: 7, bundles: 54, costUs: 100 },
    ],
  }
  const request = { engine: 'chat', bundles: 10, priority: 5, class: 'priority' }
  const snapshot = { pool: { bundles: 100, free: 4 }, request, engines: [chat, bulk] }

  it('uses what is free and what is unused before any group, and frees groups whole', async () => {
    expect(await preemptionOf(snapshot)).toEqual({
      outcome: 'granted',
      reason: 'granted',
      granted: 10,
      cost: 900,
      donors: [{ engine: 'bulk', bundles: 4, costUs: 900 }],
      explanation:
        'chat gets 10 bundles: 4 free, 2 unused of bulk, 4 reclaimed by priority from bulk (4), which costs about 900 us of work',
      counterfactual: 'with 4 more bundles free no work would have to stop',
    })
    const cheap = await preemptionOf({ ...snapshot, request: { ...request, bundles: 6 } })
    expect(cheap).toMatchObject({ outcome: 'granted', cost: 0, donors: [] })
  })

  it('uses the entitlement rule within the share, unless it was not asked for', async () => {
    const low = { ...request, priority: 0 }
    expect(await preemptionOf({ ...snapshot, request: low })).toMatchObject({
      outcome: 'denied',
      reason: 'no_lower_priority',
      granted: 0,
      cost: 0,
      donors: [],
      counterfactual: 'a request above priority 1 would be granted',
    })
    const { class: _, ...auto } = low
    expect(await preemptionOf({ ...snapshot, request: auto })).toMatchObject({
      outcome: 'granted',
      cost: 900,
    })
    // Its share is 50: 21 more would be beyond it.
    expect(await preemptionOf({ ...snapshot, request: { ...auto, bundles: 21 } })).toMatchObject({
      outcome: 'denied',
      reason: 'no_lower_priority',
    })
  })

  it('grants in part only when that is of use', async () => {
    const more = { ...request, bundles: 30 }
    expect(await preemptionOf({ ...snapshot, request: more })).toMatchObject({
      outcome: 'denied',
      counterfactual: 'a request for 16 bundles could be granted now',
    })
    const partial = await preemptionOf({ ...snapshot, request: { ...more, minBundles: 12 } })
    expect(partial).toMatchObject({
      outcome: 'granted_partial',
      reason: 'granted_partial',
      granted: 16,
      cost: 2100,
      donors: [{ engine: 'bulk', bundles: 10, costUs: 2100 }],
    })
  })

  it('says when more becomes eligible, and whether the request may wait so long', async () => {
    const later = bulk.supply.map((group) => ({ ...group, eligibleInUs: 1_800_000 }))
    const waiting = {
      ...snapshot,
      request: { ...request, bundles: 14, deadlineUs: 2_000_000 },
      engines: [chat, { ...bulk, supply: later }],
    }
    expect(await preemptionOf(waiting)).toMatchObject({
      outcome: 'denied',
      reason: 'min_residency',
      counterfactual:
        '10 more bundles become eligible in 1.8 s (minimum residency of bulk), before its deadline in 2 s',
    })
  })

  it('denies with a closed reason', async () => {
    const deny = async (change: object, engines: readonly unknown[] = snapshot.engines) =>
      (await preemptionOf({ ...snapshot, request: { ...request, ...change }, engines })).reason
    const shielded = bulk.supply.map((group) => ({ ...group, protected: true }))
    expect(await deny({ bundles: 71 })).toBe('pool_too_small')
    expect(await deny({}, [{ ...chat, limit: 35 }, bulk])).toBe('over_limit')
    expect(await deny({}, [chat, { ...bulk, supply: shielded }])).toBe('all_protected')
    expect(await deny({ priority: 1 })).toBe('no_lower_priority')
    expect(await deny({ deadlineUs: 0 })).toBe('deadline')
  })

  it('gives one answer a line, in order', async () => {
    const other = { ...snapshot, request: { ...request, bundles: 2 } }
    const out = await kvasir('plan', 'preemption', '--input', lines(other, snapshot), '--json')
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => preemptionPlanSchema.parse(JSON.parse(line)).granted),
    ).toEqual([2, 10])
  })

  it('prints sentences to people', async () => {
    const out = await kvasir('plan', 'preemption', '--input', file(snapshot))
    expect(out).toMatch(/^granted: chat gets 10 bundles/)
    expect(out).toMatch(/bulk +4 +900/)
    expect(out).toContain('otherwise: with 4 more bundles free')
  })

  it.each([
    [
      { pool: { bundles: 100, free: 5 } },
      /engines\[1\]\.leased is 66; all leases and pool\.free \(5\) together/,
    ],
    [{ pool: { bundles: 100, free: 101 } }, /pool\.free is 101; it must be at most pool\.bundles \(100\)/],
    [{ pool: { bundles: 100, free: -1 } }, /pool\.free is -1/],
    [{ request: { ...request, bundles: 0 } }, /request\.bundles is 0/],
    [
      { request: { ...request, minBundles: 11 } },
      /request\.minBundles is 11; it must be at most request\.bundles/,
    ],
    [
      { request: { ...request, engine: 'ghost' } },
      /request\.engine is "ghost"; it must be the id of an engine: chat, bulk/,
    ],
    [
      { request: { ...request, class: 'both' } },
      /request\.class is "both"; it must be one of auto, entitlement, priority/,
    ],
    [
      { request: { ...request, deadline: 4 } },
      /request\.deadline is not a known field.*did you mean deadlineUs/,
    ],
    [
      { engines: [chat, { ...bulk, inUse: 67 }] },
      /engines\[1\]\.inUse is 67; it must be at most engines\[1\]\.leased \(66\)/,
    ],
    [
      { engines: [chat, { ...bulk, inUse: 60 }] },
      /engines\[1\]\.supply\[2\]\.bundles is 54; all groups of bulk together/,
    ],
    [
      { engines: [chat, { ...bulk, limit: 10 }] },
      /engines\[1\]\.guarantee is 20; it must be at most engines\[1\]\.limit \(10\)/,
    ],
    [{ engines: [chat, chat] }, /engines\[1\]\.id is "chat", as engines\[0\]\.id is/],
    [{ engines: [chat, { ...bulk, weight: 0 }] }, /engines\[1\]\.weight is 0/],
    [
      { engines: [chat, { ...bulk, supply: [{ priority: 1, bundles: 1.5, costUs: 1 }] }] },
      /supply\[0\]\.bundles is 1\.5/,
    ],
    [
      { engines: [chat, { ...bulk, supply: [{ priority: 1, bundles: 1, costUs: -1 }] }] },
      /supply\[0\]\.costUs is -1/,
    ],
    [{ engines: [chat, { ...bulk, supply: undefined }] }, /engines\[1\]\.supply is missing/],
  ])('refuses %j by name', async (change, sentence) => {
    await expect(kvasir('plan', 'preemption', '--input', file({ ...snapshot, ...change }))).rejects.toThrow(
      sentence,
    )
  })
})
