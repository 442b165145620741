import { ClusterTrouble } from './cluster-trouble.js'

/** What a part of the cluster answered. */
export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers: Headers
}

const ANSWER_WITHIN_MS = 10_000

/** Asks over HTTP, JSON both ways. @throws {ClusterTrouble} when nobody answers. */
export async function ask(
  url: string,
  init: {
    readonly method?: string
    readonly body?: unknown
    readonly headers?: Readonly<Record<string, string>>
  } = {},
): Promise<Answer> {
  const { method = 'GET', body, headers = {} } = init
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
  try {
    const response = await fetch(url, {
      method,
      ...sent,
      headers: { ...type, ...headers },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    })
    const text = await response.text()
    return { status: response.status, body: jsonIn(text), headers: response.headers }
  } catch (error) {
    throw new ClusterTrouble(`${url} does not answer (${causeOf(error)}); kvasir status says more`)
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
