import { z } from 'zod'
import { modelChangeSchema, shareDocumentSchema } from './cluster-messages.js'
import { budgetStatusSchema, engineStatusSchema, poolStatusSchema } from './operator-api.js'
import { policyNameSchema } from './settings.js'

/**
 * What coordinators and the owner of the cluster say to each other, and what every owner tells whoever reads. Coordinators speak in
 * numbered letters, each processed once; the owner answers with documents that say everything.
 */
const count = z.int().min(0)
const name = z.string().min(1)

/** How pools are run, as operators last said it for all of them. */
export const poolOrdersSchema = z.strictObject({
  /** Rises with every change, from 0: what the profiles say. */
  revision: count,
  policy: policyNameSchema,
  observeOnly: z.boolean(),
})
export type PoolOrders = z.infer<typeof poolOrdersSchema>

/** One operator's wish. `id` is unique: said twice, it is carried out once. */
export const operatorLetterSchema = z.discriminatedUnion('kind', [
  /** Its revision is one above the one it was made on. */
  z.strictObject({ kind: z.literal('model'), id: name, change: modelChangeSchema }),
  z.strictObject({ kind: z.literal('orders'), id: name, orders: poolOrdersSchema }),
])
export type OperatorLetter = z.infer<typeof operatorLetterSchema>

/** What became of a letter; `revision` is the newest. */
export const operatorAnswerSchema = z.strictObject({
  id: name,
  kind: z.enum(['accepted', 'unchanged', 'stale', 'conflict']),
  revision: count,
})
export type OperatorAnswer = z.infer<typeof operatorAnswerSchema>

/** The owner of the cluster to one coordinator: its newest answers, oldest first. */
export const operatorAnswersSchema = z.strictObject({ answers: z.array(operatorAnswerSchema).readonly() })
export type OperatorAnswers = z.infer<typeof operatorAnswersSchema>

/** The owner of the cluster to whoever reads: everything that operators have changed. */
export const registryDocumentSchema = z.strictObject({
  epoch: count,
  models: z.array(modelChangeSchema).readonly(),
  orders: poolOrdersSchema,
})
export type RegistryDocument = z.infer<typeof registryDocumentSchema>

/** The owner of the cluster to one pool's owner. */
export const poolWordSchema = z.strictObject({ shares: shareDocumentSchema, orders: poolOrdersSchema })
export type PoolWord = z.infer<typeof poolWordSchema>

/** The owner of a pool to whoever reads: the pool in its newest round. */
export const poolViewSchema = z.strictObject({
  pool: poolStatusSchema.omit({ owner: true }),
  conditions: z.array(name).readonly(),
  engines: z.array(engineStatusSchema).readonly(),
  budgets: z.array(budgetStatusSchema).readonly(),
})
export type PoolView = z.infer<typeof poolViewSchema>
