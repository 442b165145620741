import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { divide } from './divide.js'
import type { DivisionInput } from './division.js'
import { kapslBudgets, kapslCap } from './kapsl.js'
import { policyByName } from './policies.js'
import { validateDivision } from './validate.js'

interface Budget {
  readonly id: number
  readonly max_tokens: number
}

interface Case {
  readonly id: string
  readonly global_max_tokens: number
  readonly cap_permille: number | null
  readonly cap_permille_effective: number
  readonly cap_tokens: number
  readonly engines: readonly { readonly id: number; readonly weight: number; readonly active: boolean }[]
  readonly ops_before_allocate: readonly string[]
  readonly kapsl_budgets: readonly Budget[]
  readonly reference_hard_cap: readonly Budget[]
  readonly verdict: 'keep' | 'weakness'
}

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')
const shared = process.env['KVASIR_SHARED'] ?? resolve(repository, '../shared')
const file = resolve(shared, 'data/seed-workloads/kapsl-budgets.json')
const present = existsSync(file)
if (!present)
  console.warn(
    'SKIPPED: the recorded budgets of the earlier system need kapsl-budgets.json under KVASIR_SHARED',
  )

const cases: readonly Case[] = present ? JSON.parse(readFileSync(file, 'utf8')).budgets : []

interface State {
  globalTokens: number
  readonly engines: Map<number, { weight: number; active: boolean }>
}

/** The registry of the earlier system as far as the cases use it: registering again forgets that the engine was active. */
function stateOf(recorded: Case, forgetActivity: boolean): State {
  const engines = new Map(recorded.engines.map(({ id, weight, active }) => [id, { weight, active }]))
  const state: State = { globalTokens: recorded.global_max_tokens, engines }
  for (const operation of recorded.ops_before_allocate) {
    const [verb, ...rest] = operation.split(' ')
    const [first, second] = rest.map(Number)
    const known = engines.get(first)
    if (verb === 'reg')
      engines.set(first, { weight: second, active: forgetActivity ? false : (known?.active ?? false) })
    else if (verb === 'dereg') engines.delete(first)
    else if (verb === 'act' && known !== undefined) known.active = second === 1
    else if (verb === 'setmax') state.globalTokens = first
    else expect(['usage', 'act']).toContain(verb)
  }
  return state
}

/** Our input for a case: idle is no demand; when nobody is active, everybody wants everything. */
function inputOf(recorded: Case): DivisionInput {
  const { globalTokens, engines } = stateOf(recorded, false)
  const anyActive = [...engines.values()].some(({ active }) => active)
  const claims = [...engines].map(([id, { weight, active }]) => ({
    id: String(id).padStart(4, '0'),
    weight,
    guarantee: 0,
    limit: Infinity,
    demand: active || !anyActive ? Infinity : 0,
  }))
  return { capacity: globalTokens, claims, maxShare: recorded.cap_permille_effective / 1000 }
}

describe.skipIf(!present)('the recorded budgets of the earlier system', () => {
  it('are all there', () => expect(cases).toHaveLength(47))

  it.each(cases.map((recorded) => [recorded.id, recorded] as const))(
    'are reproduced exactly: %s',
    (_, recorded) => {
      const { globalTokens, engines } = stateOf(recorded, true)
      const list = [...engines].map(([id, engine]) => ({ id: String(id), ...engine }))
      const budgets = kapslBudgets(globalTokens, list, recorded.cap_permille ?? undefined)
      expect(kapslCap(globalTokens, recorded.cap_permille ?? 900)).toBe(recorded.cap_tokens)
      expect(budgets).toEqual(
        recorded.kapsl_budgets.map(({ id, max_tokens }) => ({ id: String(id), maxTokens: max_tokens })),
      )
    },
  )

  it.each(cases.map((recorded) => [recorded.id, recorded] as const))(
    'come from policy kapsl-compat as well: %s',
    (_, recorded) => {
      const found = policyByName('kapsl-compat')
      if (found.kind !== 'policy') throw new Error(found.message)
      const { globalTokens, engines } = stateOf(recorded, true)
      const claims = [...engines].map(([id, { weight, active }]) => ({
        id: String(id),
        weight,
        guarantee: 0,
        limit: Infinity,
        demand: active ? 1 : 0,
      }))
      const { cap_permille: permille } = recorded
      // A permille outside the clamp is no share we would accept, so the clamped one is said.
      const share = permille === null ? {} : { maxShare: recorded.cap_permille_effective / 1000 }
      const { amounts } = found.policy({ capacity: globalTokens, claims, ...share })
      const recordedAmounts = recorded.kapsl_budgets.map(({ max_tokens }) => max_tokens)
      expect(amounts).toEqual(globalTokens === 0 ? claims.map(() => 0) : recordedAmounts)
    },
  )

  it('refuse a weight of 0 by name in the default policy', () => {
    const input = inputOf(cases.find(({ id }) => id === 'weight-0-becomes-1') ?? cases[0])
    expect(validateDivision(input)).toEqual([
      { field: 'claims[0].weight', value: 0, expected: 'a whole number from 1' },
    ])
  })

  const valid = cases.filter(({ id }) => id !== 'weight-0-becomes-1')
  it.each(valid.map((recorded) => [recorded.id, recorded] as const))(
    'break no invariant in the default policy: %s',
    (_, recorded) => {
      const input = inputOf(recorded)
      expect(validateDivision(input)).toEqual([])
      const { amounts } = divide(input)
      const cap = Number((BigInt(input.capacity) * BigInt(recorded.cap_permille_effective)) / 1000n)
      const active = input.claims.flatMap(({ demand }, i) => (demand > 0 ? [i] : []))
      const sum = amounts.reduce((total, amount) => total + BigInt(amount), 0n)
      const most = BigInt(cap) * BigInt(active.length)
      expect(sum).toBe(most < BigInt(input.capacity) ? most : BigInt(input.capacity))
      amounts.forEach((amount, i) => {
        expect(amount).toBeLessThanOrEqual(cap)
        if (!active.includes(i)) expect(amount).toBe(0)
        else if (cap > 0 && input.capacity >= active.length) expect(amount).toBeGreaterThanOrEqual(1)
      })
      for (const i of active)
        for (const j of active) {
          if (input.claims[i].weight >= input.claims[j].weight)
            expect(amounts[i]).toBeGreaterThanOrEqual(amounts[j] - 1)
          if (input.claims[i].weight === input.claims[j].weight)
            expect(Math.abs(amounts[i] - amounts[j])).toBeLessThanOrEqual(1)
        }
    },
  )

  const kept = valid.filter(({ verdict }) => verdict === 'keep')
  it.each(kept.map((recorded) => [recorded.id, recorded] as const))(
    'are ours where they were right: %s',
    (_, recorded) => {
      const input = inputOf(recorded)
      const { amounts } = divide(input)
      const reference = recorded.reference_hard_cap.map(({ max_tokens }) => max_tokens)
      // Up to who gets a rounding token.
      const equalUpToRounding = amounts.every((amount, i) => Math.abs(amount - reference[i]) <= 1)
      expect(equalUpToRounding, `${amounts} instead of ${reference}`).toBe(true)
      expect(amounts.reduce((sum, amount) => sum + amount, 0)).toBe(
        reference.reduce((sum, amount) => sum + amount, 0),
      )
    },
  )
})
