import { z } from 'zod'

/**
 * What factors of an experiment and axes of a search have in common. Paths of a scenario and of a summary are written alike:
 * `workload.rateScale`, `models[0].weight`, `models.chat.weight` (the element of a list with that name), `models[*].engine.order`
 * (all), `models["Llama-3.1-8B"].ttftUs.p99`.
 */
export const documentPathSchema = z.string().min(1)

/** Begins with a letter, so that it orders well as a key, and is good for files and tables. */
export const identifierSchema = z
  .string()
  .regex(/^[A-Za-z][\w.-]*$/, 'it must begin with a letter, then letters, digits, _ . -')

export const settingsSchema = z
  .record(documentPathSchema, z.unknown())
  .describe('path in the scenario to value; null takes the field away')
export type Settings = z.infer<typeof settingsSchema>

const levelSchema = z.strictObject({
  name: z.string().min(1).describe('of the level, in tables'),
  needs: z
    .string()
    .min(1)
    .optional()
    .describe('file, relative as those of the scenario are; where it is not there the level is left out'),
  set: settingsSchema,
})

export const factorValueSchema = z.union([
  z.string().min(1),
  z.number(),
  z.boolean(),
  z.array(z.unknown()).readonly(),
  levelSchema,
])
export type FactorValue = z.infer<typeof factorValueSchema>

/** The name a level has in tables and in comparisons. */
export function levelName(value: FactorValue): string {
  if (typeof value !== 'object') return String(value)
  return 'name' in value ? value.name : JSON.stringify(value)
}
