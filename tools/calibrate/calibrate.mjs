/**
 * Measures the GPU of this machine and writes a profile of it, in the format of libs/hardware/src/profiles:
 *
 *   npx tsc --build apps/cli && node tools/calibrate/calibrate.mjs --out my-gpu.json
 *
 * A shell around apps/cli/src/calibrate; tools/calibrate/README.md says what it needs and how the profile is used.
 */
import { BadInput, ExitCode } from '../../apps/cli/dist/bad-input.js'
import { calibrate } from '../../apps/cli/dist/calibrate/calibrate.js'

try {
  process.stdout.write(await calibrate(process.argv.slice(2), new Date().toISOString().slice(0, 10)))
} catch (error) {
  if (!(error instanceof BadInput)) throw error
  process.stderr.write(`calibrate: ${error.message}\n`)
  process.exitCode = ExitCode.BadInput
}
