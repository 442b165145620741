import { policyByName, POLICY_NAMES } from '@kvasir/allocation'
import { parsePreemptionSnapshot } from '@kvasir/contracts'
import { planPreemption } from '@kvasir/reclaim'
import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import { parseBudgetSnapshot, planBudgets } from '../plan/plan-budgets.js'
import { budgetsText, preemptionText } from '../plan/plan-tables.js'
import { isLines, readSnapshot, readSnapshotLines, type SnapshotReader } from '../plan/read-snapshots.js'

interface RawPlanOptions {
  readonly input: string
  readonly policy?: string
  readonly json?: true
}

const LINES =
  'A file named *.jsonl holds one snapshot a line and gives one answer a line; nothing is answered unless every line is good.'

/** What the pool's owner would decide, on a snapshot from a file. */
export function addPlanCommand(program: Command): void {
  const plan = program
    .command('plan')
    .summary('what would be decided on a snapshot')
    .description('Decides on a snapshot as the owner of a pool would, and moves nothing.')
  addBudgets(plan)
  addPreemption(plan)
}

function addBudgets(plan: Command): void {
  plan
    .command('budgets')
    .summary('token budgets of one round')
    .description(
      `Divides the tokens of one round among engines. The round stands alone: no fractions are owed from earlier ones.\n${LINES}`,
    )
    .requiredOption('--input <file>', 'snapshot, .json or .jsonl (schemas/plan-budgets.schema.json)')
    .option('--policy <name>', `how to divide (${POLICY_NAMES.join(', ')})`, 'weighted-max-min')
    .option('--json', 'print the answer as JSON')
    .addHelpText(
      'after',
      `
Left out: demand and limit are unlimited, guarantee 0, health healthy, maxShare 1. Groups: {"id", "weight", "guarantee"?, "limit"?,
"parent"?}; only weighted-max-min knows them.

Example snapshot.json:
  {"capacity": 1000, "engines": [{"id": "chat", "weight": 3, "guarantee": 200},
                                 {"id": "code", "weight": 1, "demand": 100},
                                 {"id": "bulk", "weight": 1, "limit": 400}]}

  kvasir plan budgets --input snapshot.json --json
  {"budgets": [{"engine": "chat", "tokens": 675}, {"engine": "code", "tokens": 100}, {"engine": "bulk", "tokens": 225}],
   "lambda": 225, "conditions": []}`,
    )
    .action(async (options: RawPlanOptions) => {
      const found = policyByName(options.policy ?? 'weighted-max-min')
      if (found.kind === 'unknown_policy')
        throw new BadInput(`--policy is "${found.name}"; it must be one of ${POLICY_NAMES.join(', ')}`)
      const ignoresGroups = found.name !== 'weighted-max-min'
      await answer(options, parseBudgetSnapshot, {
        decide: (snapshot) => planBudgets(snapshot, found.policy, { ignoresGroups }),
        text: budgetsText,
      })
    })
}

function addPreemption(plan: Command): void {
  plan
    .command('preemption')
    .summary('answer to one request for bundles')
    .description(
      `Answers one engine's request for bundles of a pool: from whom, at what cost, or why not.\n${LINES}`,
    )
    .requiredOption('--input <file>', 'snapshot, .json or .jsonl (schemas/plan-preemption.schema.json)')
    .option('--json', 'print the answer as JSON')
    .addHelpText(
      'after',
      `
Left out: minBundles is bundles (all or nothing), class auto, limit and deadlineUs unlimited. Leased but unused bundles are free
supply. A supply group is freed whole. Higher priority runs first. Times count from the snapshot.

Example snapshot.json:
  {"pool": {"bundles": 100, "free": 4},
   "request": {"engine": "chat", "bundles": 10, "priority": 5, "class": "priority"},
   "engines": [{"id": "chat", "weight": 1, "guarantee": 20, "leased": 30, "inUse": 30, "supply": []},
               {"id": "bulk", "weight": 1, "guarantee": 20, "leased": 66, "inUse": 64, "supply": [
                 {"priority": 1, "bundles": 4, "costUs": 900}, {"priority": 1, "bundles": 6, "costUs": 1200},
                 {"priority": 7, "bundles": 54, "costUs": 100}]}]}

  kvasir plan preemption --input snapshot.json --json
  {"outcome": "granted", "reason": "granted", "granted": 10, "cost": 900,
   "donors": [{"engine": "bulk", "bundles": 4, "costUs": 900}],
   "explanation": "chat gets 10 bundles: 4 free, 2 unused of bulk, 4 reclaimed by priority from bulk (4), which costs about 900 us of work",
   "counterfactual": "with 4 more bundles free no work would have to stop"}`,
    )
    .action((options: RawPlanOptions) =>
      answer(options, parsePreemptionSnapshot, {
        decide: planPreemption,
        text: (_snapshot, plan) => preemptionText(plan),
      }),
    )
}

interface Question<Snapshot, Plan> {
  decide(snapshot: Snapshot): Plan
  text(snapshot: Snapshot, plan: Plan): string
}

async function answer<Snapshot, Plan>(
  { input, json }: RawPlanOptions,
  read: SnapshotReader<Snapshot>,
  { decide, text }: Question<Snapshot, Plan>,
): Promise<void> {
  if (isLines(input)) {
    const answers: string[] = []
    for await (const snapshot of readSnapshotLines(input, read))
      answers.push(`${JSON.stringify(decide(snapshot))}\n`)
    for (const line of answers) process.stdout.write(line)
    return
  }
  const snapshot = readSnapshot(input, read)
  const plan = decide(snapshot)
  process.stdout.write(json ? `${JSON.stringify(plan, undefined, 2)}\n` : text(snapshot, plan))
}
