import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { BadInput } from '../bad-input.js'

/** From src/calibrate and from dist/calibrate alike. */
const program = fileURLToPath(new URL('../../../../tools/calibrate/measure.py', import.meta.url))

export interface MeasureOptions {
  /** The interpreter that has PyTorch. */
  readonly python: string
  /** A few points of each kind. */
  readonly quick: boolean
}

/** The lines of the measuring program. @throws {BadInput} saying what is missing on this machine, or that it failed. */
export async function measure({ python, quick }: MeasureOptions): Promise<readonly string[]> {
  const driver = spawnSync('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], { encoding: 'utf8' })
  if (driver.status !== 0) {
    throw new BadInput(
      'no NVIDIA GPU is here: nvidia-smi is missing or finds none; run it on the machine that has one, or fit what was measured there with --points FILE',
    )
  }
  const torch = spawnSync(python, ['-c', 'import torch; assert torch.cuda.is_available(), "no CUDA"'], {
    encoding: 'utf8',
  })
  if (torch.status !== 0) {
    const why = torch.error?.message ?? torch.stderr.trim().split('\n').at(-1)
    throw new BadInput(
      `--python ${python} has no PyTorch that sees the GPU (${why}); it must be a Python with PyTorch 2.5 or later and CUDA`,
    )
  }
  const child = spawn(python, [program, ...(quick ? ['--quick'] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) lines.push(line)
  const status = await ended
  if (status !== 0) throw new BadInput(`the measuring program ended with ${status}; nothing was written`)
  return lines
}
