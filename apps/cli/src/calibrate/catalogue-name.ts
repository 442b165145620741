import { gpuByName, gpus } from '@kvasir/hardware'
import { BadInput } from '../bad-input.js'

/** What drivers put around the name that a data sheet has: `NVIDIA H100 80GB HBM3`, `NVIDIA A100-SXM4-80GB`. */
const BEFORE = /^(nvidia|geforce|tesla) /i
const BESIDE = /^(sxm\d?|pcie|\d+gb|hbm\d?e?|\d+|gb)$/i

/** The catalogue's name of a GPU as the driver, or a person, calls it. @throws {BadInput} when it has none like it. */
export function catalogueName(name: string): string {
  const bare = name.replace(BEFORE, '').replace(BEFORE, '').trim()
  const model = bare
    .split(/[ -]+/)
    .filter((word) => !BESIDE.test(word))
    .join(' ')
  const memory = /(\d+) ?GB/i.exec(bare)?.[1]
  const spellings = [name, bare, ...(memory === undefined ? [] : [`${model} ${memory}GB`]), model]
  for (const spelling of spellings) {
    const found = gpuByName(spelling)
    if (found.kind === 'found') return found.gpu.name
  }
  const known = gpus.map((gpu) => gpu.name).join(', ')
  throw new BadInput(
    `the GPU is "${name}", which the catalogue does not have; say with --gpu which it is (${known}), or add a row of its data sheet to libs/hardware/src/gpu-catalogue.ts`,
  )
}
