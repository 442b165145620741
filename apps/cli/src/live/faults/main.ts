import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { faultReportText } from './report-text.js'
import { type FaultRunOptions, runFaults } from './run-faults.js'

const usage = `Kills parts of a real cluster under load, at moments that the seed draws, and checks what must hold whatever fails.

  node tools/faults/cluster-faults.mjs --seconds 120 --seed 1

  --seconds N       of load (120)          --pools N      TP groups (8)
  --seed N          (1)                    --models N     engines on each group (8)
  --clients N       at a time (48)         --coordinators N  (3)
  --per-process N   engines in a process (8)
  --speed X         of the groups, times the modelled GPUs (0.5)
  --keep            leave logs and histories, and say where they are

Exit code 0: all held; 1: something did not; 2: an option is wrong.
`

const numbers = {
  seconds: 120,
  seed: 1,
  pools: 8,
  models: 8,
  clients: 48,
  coordinators: 3,
  'per-process': 8,
  speed: 0.5,
}

/** Reads the command line, runs, prints the report. Answers the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const read = optionsIn(args)
  if (typeof read === 'string') {
    process.stderr.write(read)
    return read === usage ? 0 : 2
  }
  const folder = mkdtempSync(join(tmpdir(), 'kvasir-faults-'))
  const say = (text: string) => void process.stderr.write(`${text}\n`)
  try {
    const report = await runFaults({ ...read.options, folder, say })
    process.stdout.write(`${faultReportText(report)}\n`)
    return report.checks.some(({ violations }) => violations.length > 0) ? 1 : 0
  } finally {
    if (read.keep) say(`logs and histories are in ${folder}`)
    else rmSync(folder, { recursive: true, force: true })
  }
}

interface Read {
  readonly options: Omit<FaultRunOptions, 'folder' | 'say'>
  readonly keep: boolean
}

function optionsIn(args: readonly string[]): Read | string {
  const names = Object.keys(numbers).map((name) => [name, { type: 'string' }] as const)
  const flags = { keep: { type: 'boolean' }, help: { type: 'boolean' } } as const
  let values: Readonly<Record<string, string | boolean | undefined>>
  try {
    values = parseArgs({ args: [...args], options: { ...Object.fromEntries(names), ...flags } }).values
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n`
  }
  if (values['help'] === true) return usage
  const given: Record<string, number> = { ...numbers }
  for (const name of Object.keys(numbers)) {
    const text = values[name]
    if (text === undefined) continue
    const value = Number(text)
    const whole = name === 'speed' || Number.isInteger(value)
    if (!(value > 0) || !whole)
      return `--${name} is ${String(text)}; it must be a ${name === 'speed' ? '' : 'whole '}number above 0\n`
    given[name] = value
  }
  return { options: optionsOf(given), keep: values['keep'] === true }
}

function optionsOf(given: Readonly<Record<string, number>>): Read['options'] {
  const { seconds, seed, pools, models, clients, coordinators, speed } = given
  return {
    seconds,
    seed,
    pools,
    models,
    clients,
    coordinators,
    enginesPerProcess: given['per-process'],
    speedUp: speed,
  }
}
