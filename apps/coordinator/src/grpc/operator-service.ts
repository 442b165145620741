import { modelPatchSchema, modelTermsSchema, policyNameSchema, whatIfSchema } from '@kvasir/contracts'
import {
  CoordinatorServiceService,
  type CoordinatorServiceServer,
  type ExplainRequest,
  type ExplainResponse,
  patchIn,
  termsIn,
  type WatchResponse,
  WireError,
  wireModel,
  wireOrders,
  wirePool,
  wireView,
} from '@kvasir/wire'
import { type sendUnaryData, type Server, type ServerUnaryCall, status } from '@grpc/grpc-js'
import { bodyAs, countIn, DECISIONS_MOST, DECISIONS_USUAL, poolIn } from '../api/read-input.js'
import type { ClusterReader } from '../desk/cluster-reader.js'
import { type ClusterEvent, watchCluster } from '../desk/cluster-watch.js'
import type { Explainer } from '../desk/explainer.js'
import type { ModelDesk } from '../desk/model-desk.js'
import { Refusal } from '../desk/refusal.js'

export interface OperatorServiceParts {
  readonly reader: ClusterReader
  readonly models: ModelDesk
  readonly explainer: Explainer
  readonly unexpected: (error: unknown) => void
}

/** Serves operators over gRPC as the controllers do over REST (`proto/kvasir/v1`). */
export function serveOperators(server: Server, parts: OperatorServiceParts): void {
  const { reader, models, explainer } = parts
  const unary = unaryWith(parts.unexpected)
  const service: CoordinatorServiceServer = {
    listModels: unary(async () => ({ models: (await reader.models()).map(wireModel) })),
    putModel: unary(async ({ name, architecture, terms, revision }) => {
      const said = { ...termsIn(terms), ...(architecture === undefined ? {} : { architecture }) }
      const { model, created } = await models.put(name, bodyAs(modelTermsSchema, said), revision)
      return { model: wireModel(model), created }
    }),
    patchModel: unary(async (request) => {
      const patch = bodyAs(modelPatchSchema, patchIn(request))
      return { model: wireModel(await models.patch(request.name, patch, request.revision)) }
    }),
    removeModel: unary(async ({ name, revision }) => {
      await models.remove(name, revision)
      return {}
    }),
    listEngines: unary(async () => ({ engines: (await reader.views()).flatMap(({ engines }) => engines) })),
    listPools: unary(async () => ({ pools: (await reader.poolStatuses()).map(wirePool) })),
    listBudgets: unary(async () => ({ budgets: (await reader.views()).flatMap(({ budgets }) => budgets) })),
    listDecisions: unary(async ({ pool, limit }) => {
      const most = countIn('limit', limit?.toString(), DECISIONS_USUAL, DECISIONS_MOST)
      const records = await reader.decisions(most, poolIn(pool, reader.pools))
      return { records: records.map((record) => JSON.stringify(record)) }
    }),
    explain: unary((request) => explain(request, explainer)),
    whatIf: unary(({ models: patches }) => {
      const models = Object.fromEntries(
        patches.map((patch) => [patch.name, patchIn({ ...patch, draining: undefined })]),
      )
      return explainer.whatIf(bodyAs(whatIfSchema, { models }))
    }),
    getOrders: unary(async () => ({ orders: wireOrders(await models.orders()) })),
    setOrders: unary(async ({ policy, observeOnly, revision }) => {
      const change = {
        ...(policy === undefined ? {} : { policy: bodyAs(policyNameSchema, policy) }),
        ...(observeOnly === undefined ? {} : { observeOnly }),
      }
      return { orders: wireOrders(await models.order(change, revision)) }
    }),
    watch: (call) => {
      const stop = watchCluster(reader, (event) => void call.write(wireEvent(event)))
      call.on('cancelled', stop)
      call.on('error', stop)
    },
  }
  server.addService(CoordinatorServiceService, service)
}

async function explain({ subject }: ExplainRequest, explainer: Explainer): Promise<ExplainResponse> {
  if (subject === undefined) throw Refusal.badInput('subject is missing; it must be id, engine or model')
  if (subject.$case === 'id') {
    const explanation = await explainer.request(subject.value)
    return { sentences: explanation.sentences, explanation: JSON.stringify(explanation) }
  }
  const { $case, value } = subject
  const budgets = await explainer.budgets(
    $case === 'engine' ? value : undefined,
    $case === 'model' ? value : undefined,
  )
  return { sentences: budgets.flatMap(({ sentences }) => sentences), explanation: JSON.stringify(budgets) }
}

function wireEvent(event: ClusterEvent): WatchResponse {
  return event.kind === 'pool'
    ? { event: { $case: 'pool', value: wireView(event.view) } }
    : { event: { $case: 'decision', value: JSON.stringify(event.record) } }
}

const codes: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  404: status.NOT_FOUND,
  409: status.ABORTED,
  503: status.UNAVAILABLE,
}

function unaryWith(unexpected: (error: unknown) => void) {
  return <Request, Response>(answer: (request: Request) => Promise<Response>) =>
    (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>): void => {
      answer(call.request).then(
        (response) => done(null, response),
        (error: unknown) => {
          const code = codeOf(error)
          if (code === status.INTERNAL) unexpected(error)
          done({ code, details: error instanceof Error ? error.message : String(error) })
        },
      )
    }
}

function codeOf(error: unknown): status {
  if (error instanceof WireError) return status.INVALID_ARGUMENT
  if (!(error instanceof Refusal)) return status.INTERNAL
  if (error.body.error.code === 'in_use') return status.FAILED_PRECONDITION
  return codes[error.status] ?? status.INTERNAL
}
