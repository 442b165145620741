import { z } from 'zod'

/** One line of a task file (`schedule-*.jsonl` of the earlier simulator); what they mean is in docs/task-queue.md. */
export const taskLineSchema = z
  .strictObject({
    id: z.string().min(1),
    model: z.string().min(1),
    memory_gb: z.number().positive().optional().describe('not used: memory is not modelled'),
    weight: z.number().min(0).max(1e6).describe('what a second of its turnaround costs'),
    arrival_s: z.number().min(0).max(1e6).describe('seconds'),
    phase: z.enum(['prefill', 'decode']),
    tokens: z.int().min(1).max(1e6),
    tp: z.int().min(1).max(65_536).describe('GPUs it occupies'),
  })
  .readonly()
export type TaskLine = z.infer<typeof taskLineSchema>
