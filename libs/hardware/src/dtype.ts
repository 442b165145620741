/** Number formats a weight, an activation or a KV entry can have. */
export type Dtype = 'bf16' | 'fp16' | 'fp8' | 'int8'

export const bytesPerElement: Readonly<Record<Dtype, number>> = { bf16: 2, fp16: 2, fp8: 1, int8: 1 }
