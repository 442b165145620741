import { validateKernels } from '@kvasir/hardware'
import type { MeasuredFolder } from './measured-folder.js'
import type { SetReport } from './serving-accuracy.js'

/** Tables of kernels and of whole steps: those that `validateKernels` looks for. */
const TABLES = [
  'aic_h100_sxm_vllm_gemm',
  'aic_h100_sxm_vllm_attn_generation',
  'aic_h100_sxm_vllm_attn_context',
  'aic_h100_sxm_vllm_moe',
  'aic_a100_sxm_vllm_gemm',
  'aic_a100_sxm_vllm_attn_generation',
  'aic_a100_sxm_vllm_attn_context',
  'aic_a100_sxm_vllm_moe',
  'aic_collectives',
  'splitwise_perf_model',
] as const

/** Every measured kernel that the folder has, by the shipped profiles and by profiles fitted to a part of it. Some ten seconds. */
export function validateTables(
  folder: MeasuredFolder,
  progress: (line: string) => void,
): readonly SetReport[] {
  const tables = folder.tables(TABLES)
  progress(`kernels and steps: ${tables.size} tables`)
  return validateKernels(tables).map(({ heldOut, ceiling, ...rest }) => ({
    ...rest,
    quantity: 'time',
    note: heldOut ?? '',
    ...(ceiling === undefined ? {} : { bar: { kind: 'ceiling', of: 'mean', at: ceiling } as const }),
  }))
}
