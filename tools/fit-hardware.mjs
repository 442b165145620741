/**
 * Fits the measured profiles of libs/hardware and writes libs/hardware/src/profiles/*.ts:
 *
 *   npx tsc --build libs/hardware && node tools/fit-hardware.mjs            (writes)
 *   npx tsc --build libs/hardware && node tools/fit-hardware.mjs --check    (tells which files are out of date)
 *
 * Reads ../shared/data/profiles, or $KVASIR_SHARED/data/profiles; its README says where each table comes from. What is written
 * are fitted ratios at knots, not the measurements. The same data give the same files.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import {
  fitEngineProfile,
  fitKernelProfile,
  fitStepProfile,
  MeasuredTable,
  profileModule,
} from '@kvasir/hardware'

const shared = process.env['KVASIR_SHARED'] ?? fileURLToPath(new URL('../../shared', import.meta.url))
const target = fileURLToPath(new URL('../libs/hardware/src/profiles/', import.meta.url))
const check = process.argv.includes('--check')

// Not the clock's: the day on which the knots were chosen and the data last changed.
const FITTED_ON = '2026-11-21'

const AIC = 'ai-dynamo/aiconfigurator @ 095f58a (Apache-2.0), systems/data'
const LLMSERVINGSIM = 'casys-kaist/LLMServingSim @ 5daddb2 (MIT), profiler/perf'
const SPLITWISE = 'Mutinifni/splitwise-sim @ 8f99e7d (MIT), data/perf_model.csv'

function table(file) {
  const path = `${shared}/data/profiles/${file}.csv.gz`
  if (!existsSync(path)) throw new Error(`no ${path}; set KVASIR_SHARED to the folder that has data/profiles`)
  return MeasuredTable.parse(gunzipSync(readFileSync(path)).toString('utf8'))
}

function kernels(gpu, device, vllm) {
  return fitKernelProfile({
    gpu,
    measuredWith: `vLLM ${vllm}`,
    source: `${AIC}/${device}/{gemm,attention,moe}/vllm/${vllm} and comm`,
    fittedOn: FITTED_ON,
    products: table(`aic_${device}_vllm_gemm`),
    decodeAttention: table(`aic_${device}_vllm_attn_generation`),
    prefillAttention: table(`aic_${device}_vllm_attn_context`),
    experts: table(`aic_${device}_vllm_moe`),
    collectives: table('aic_collectives'),
    allReduce: { device, version: vllm, kernel: 'vLLM_custom_graph' },
  })
}

function steps(gpu, hardware) {
  return fitStepProfile({
    gpu,
    hardware,
    source: SPLITWISE,
    fittedOn: FITTED_ON,
    steps: table('splitwise_perf_model'),
  })
}

function engine(gpu, hardware) {
  return fitEngineProfile({
    gpu,
    hardware,
    measuredWith: 'vLLM 0.19',
    source: LLMSERVINGSIM,
    fittedOn: FITTED_ON,
    dense: table('llmservingsim_dense'),
    perSequence: table('llmservingsim_per_sequence'),
    attention: table('llmservingsim_attention'),
    experts: table('llmservingsim_moe'),
  })
}

const modules = [
  ['h100.ts', profileModule('h100', 'KernelProfile', kernels('H100', 'h100_sxm', '0.24.0'))],
  ['a100.ts', profileModule('a100', 'KernelProfile', kernels('A100-80GB', 'a100_sxm', '0.14.0'))],
  ['rtx-4090.ts', profileModule('rtx4090', 'KernelProfile', engine('RTX-4090', 'RTX4090'))],
  ['rtx-pro-6000.ts', profileModule('rtxPro6000', 'KernelProfile', engine('RTX-PRO-6000', 'RTXPRO6000'))],
  ['dgx-h100-eager.ts', profileModule('dgxH100Eager', 'StepProfile', steps('H100', 'h100-80gb'))],
  ['dgx-a100-eager.ts', profileModule('dgxA100Eager', 'StepProfile', steps('A100-80GB', 'a100-80gb'))],
]

const stale = modules.filter(
  ([file, text]) => !existsSync(target + file) || readFileSync(target + file, 'utf8') !== text,
)
if (check) {
  for (const [file] of stale) console.error(`out of date: libs/hardware/src/profiles/${file}`)
  if (stale.length > 0) {
    console.error('run `npx tsc --build libs/hardware && node tools/fit-hardware.mjs` and commit the result')
    process.exit(1)
  }
} else {
  for (const [file, text] of stale) {
    writeFileSync(target + file, text)
    console.log(`libs/hardware/src/profiles/${file} ${text.length} bytes`)
  }
}
