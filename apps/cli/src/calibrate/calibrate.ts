import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { fitCalibration, type KernelProfile, profileModule } from '@kvasir/hardware'
import { BadInput } from '../bad-input.js'
import { readText } from '../input/read-document.js'
import { catalogueName } from './catalogue-name.js'
import { measure } from './measure.js'
import { type Measurements, readPoints } from './read-points.js'

export const CALIBRATE_USAGE = `Usage: node tools/calibrate/calibrate.mjs --out FILE [options]

Measures the GPU of this machine and writes a profile of it (tools/calibrate/README.md).

  --out FILE     where the profile goes: .json for --profile, .ts for libs/hardware/src/profiles
  --gpu NAME     what the catalogue calls the GPU, if it is not what the driver calls it
  --keep FILE    write what was measured too, one JSON object a line
  --points FILE  fit what --keep wrote before, and measure nothing
  --quick        few points: to try it out, not to predict with
  --python NAME  the Python that has PyTorch (default: python3)
`

const SPREAD_WORTH_A_WORD = 0.05

/**
 * Measures, fits and writes; answers what to print.
 * @param today when it was fitted, as in 2026-11-21.
 * @throws {BadInput} for wrong options, missing parts of the machine and points that cannot be read; then nothing is written.
 */
export async function calibrate(args: readonly string[], today: string): Promise<string> {
  const flags = readFlags(args)
  if (flags.help) return CALIBRATE_USAGE
  const { out } = flags
  if (out === undefined) throw new BadInput('--out is missing; it must name a file, such as my-gpu.json')
  if (!/\.(json|ts)$/.test(out)) throw new BadInput(`--out is "${out}"; its name must end in .json or .ts`)
  const lines = flags.points === undefined ? await measure(flags) : readText(flags.points).trim().split('\n')
  const measurements = readPoints(lines)
  const { device, points } = measurements
  const gpu = catalogueName(flags.gpu ?? device.name)
  const profile = fitCalibration(
    {
      gpu,
      measuredWith: `PyTorch ${device.torch}, CUDA ${device.cuda}; attention: ${device.attention}`,
      source: `tools/calibrate on ${device.gpus} x ${device.name}`,
      fittedOn: today,
    },
    points,
  )
  if (flags.keep !== undefined) writeFileSync(flags.keep, `${lines.join('\n')}\n`)
  writeFileSync(out, textOf(out, profile))
  return reportOf(out, profile, measurements)
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        out: { type: 'string' },
        gpu: { type: 'string' },
        keep: { type: 'string' },
        points: { type: 'string' },
        quick: { type: 'boolean', default: false },
        python: { type: 'string', default: 'python3' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    throw new BadInput(error instanceof Error ? error.message : String(error))
  }
}

function textOf(path: string, profile: KernelProfile): string {
  if (!path.endsWith('.ts')) return `${JSON.stringify(profile, undefined, 1)}\n`
  const name = profile.gpu
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+(.)?/g, (_, next: string | undefined) => (next ?? '').toUpperCase())
  return profileModule(name, 'KernelProfile', profile)
}

/** What the profile knows, how well, and what it leaves to the nearest one. */
function reportOf(path: string, profile: KernelProfile, { points }: Measurements): string {
  const copies = profile.copies === undefined ? [] : [profile.copies]
  const tables = [
    ['products', profile.products],
    ['decode attention', profile.decodeAttention],
    ['prefill attention', profile.prefillAttention],
    ['all-reduce', profile.allReduce],
    ['copies', copies],
  ] as const
  const unsteady = points.filter(({ spread }) => spread > SPREAD_WORTH_A_WORD).length
  return [
    `${path}: profile of ${profile.gpu}`,
    ...tables.map(([what, list]) => {
      const fits = list.map(({ fit }) => `${fit.points} points, mean error ${(100 * fit.error).toFixed(1)} %`)
      return `  ${what}: ${fits.join('; ') || 'not measured, those of the nearest profile'}`
    }),
    '  experts and small kernels: never measured, those of the nearest profile',
    ...(unsteady === 0
      ? []
      : [
          `  ${unsteady} of ${points.length} points spread by more than ${100 * SPREAD_WORTH_A_WORD} %: did others use the GPU?`,
        ]),
    '',
  ].join('\n')
}
