import {
  budgetListSchema,
  type BudgetStatus,
  type DecisionRecord,
  decisionListSchema,
  engineListSchema,
  type EngineStatus,
  modelListSchema,
  type ModelPatch,
  type ModelStatus,
  modelStatusSchema,
  type ModelTerms,
  observeSchema,
  parseDocument,
  policyStatusSchema,
  type PolicyName,
  poolListSchema,
  type PoolStatus,
  refusalSchema,
} from '@kvasir/contracts'
import { BadInput } from '../bad-input.js'
import { ClusterTrouble } from './cluster-trouble.js'
import { type Answer, ask } from './http.js'

type Schema<T> = Parameters<typeof parseDocument<T>>[0]

/** What a change was based on; undefined: on whatever is there. */
export type Revision = number | undefined

interface Request {
  readonly method?: 'PUT' | 'PATCH' | 'DELETE' | 'POST'
  readonly body?: unknown
  readonly revision?: Revision
}

/** A coordinator as operators use it: any of a cluster's, for each answers for every pool. */
export class CoordinatorClient {
  readonly #urls: readonly string[]

  /** @param urls tried in order until one answers. */
  constructor(urls: readonly string[]) {
    this.#urls = urls
  }

  async models(): Promise<readonly ModelStatus[]> {
    return (await this.#get('/v1/models', modelListSchema)).models
  }

  /** @throws {BadInput} when no model has this name. */
  async model(name: string): Promise<ModelStatus> {
    const models = await this.models()
    const found = models.find((model) => model.name === name)
    if (found) return found
    throw new BadInput(
      `model ${JSON.stringify(name)} is not registered; it must be one of ${models.map((model) => model.name).join(', ')}`,
    )
  }

  async engines(): Promise<readonly EngineStatus[]> {
    return (await this.#get('/v1/engines', engineListSchema)).engines
  }

  async pools(): Promise<readonly PoolStatus[]> {
    return (await this.#get('/v1/pools', poolListSchema)).pools
  }

  async budgets(): Promise<readonly BudgetStatus[]> {
    return (await this.#get('/v1/budgets', budgetListSchema)).budgets
  }

  /** The newest, oldest first. */
  async decisions(limit: number): Promise<readonly DecisionRecord[]> {
    return (await this.#get(`/v1/decisions?limit=${limit}`, decisionListSchema)).decisions
  }

  register(name: string, terms: ModelTerms, revision: Revision): Promise<ModelStatus> {
    return this.#change(modelPath(name), { method: 'PUT', body: terms, revision }, modelStatusSchema)
  }

  patch(name: string, patch: ModelPatch, revision: Revision): Promise<ModelStatus> {
    return this.#change(modelPath(name), { method: 'PATCH', body: patch, revision }, modelStatusSchema)
  }

  async remove(name: string, revision: Revision): Promise<void> {
    await this.#send(modelPath(name), { method: 'DELETE', revision })
  }

  async observing(): Promise<boolean> {
    return (await this.#get('/v1/observe', observeSchema)).on
  }

  async observe(on: boolean): Promise<void> {
    await this.#send('/v1/observe', { method: 'PUT', body: { on } })
  }

  async policy(): Promise<{ readonly policy: PolicyName; readonly revision: number }> {
    return this.#get('/v1/policy', policyStatusSchema)
  }

  async setPolicy(policy: PolicyName, revision: Revision): Promise<void> {
    await this.#send('/v1/policy', { method: 'PUT', body: { policy }, revision })
  }

  async #get<T>(path: string, schema: Schema<T>): Promise<T> {
    return parsed(schema, await this.#send(path, {}), path)
  }

  async #change<T>(path: string, request: Request, schema: Schema<T>): Promise<T> {
    return parsed(schema, await this.#send(path, request), path)
  }

  /** @throws {BadInput} for what the operator can put right. @throws {ClusterTrouble} for everything else. */
  async #send(path: string, { method, body, revision }: Request): Promise<Answer> {
    const headers: Record<string, string> = revision === undefined ? {} : { 'if-match': `"${revision}"` }
    let trouble: unknown
    for (const url of this.#urls) {
      try {
        const answer = await ask(`${url}${path}`, {
          headers,
          ...(method === undefined ? {} : { method }),
          ...(body === undefined ? {} : { body }),
        })
        return accepted(answer, `${url}${path}`)
      } catch (error) {
        if (!(error instanceof ClusterTrouble)) throw error
        trouble = error
      }
    }
    throw trouble
  }
}

function modelPath(name: string): string {
  return `/v1/models/${encodeURIComponent(name)}`
}

function accepted(answer: Answer, url: string): Answer {
  if (answer.status < 400) return answer
  const refusal = parseDocument(refusalSchema, answer.body)
  const message = refusal.kind === 'parsed' ? refusal.value.error.message : JSON.stringify(answer.body)
  if (answer.status < 500) throw new BadInput(message)
  throw new ClusterTrouble(`${url} answers ${answer.status}: ${message}`)
}

function parsed<T>(schema: Schema<T>, { body }: Answer, path: string): T {
  const result = parseDocument(schema, body)
  if (result.kind === 'parsed') return result.value
  throw new ClusterTrouble(
    `${path}: the coordinator's answer is not what this version of kvasir reads (${result.problems[0]})`,
  )
}
