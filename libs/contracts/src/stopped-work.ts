import { z } from 'zod'

/** What an engine says in its log of work that it stopped for a request of another one. */
export const STOPPED_FOR_ANOTHER = 'stopped for another engine'

/** That line, as far as it is read. */
export const stoppedWorkLineSchema = z.object({
  /** The engine. */
  name: z.string(),
  msg: z.literal(STOPPED_FOR_ANOTHER),
  /** Empty: for no request, its owner took memory back for the pool. */
  request: z.string(),
  /** Of the sequences that were stopped. */
  priorities: z.array(z.number()).readonly(),
})
