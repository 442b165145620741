import type { ServerResponse } from 'node:http'
import { Catch, type ArgumentsHost, type ExceptionFilter, HttpException } from '@nestjs/common'
import type { FastifyReply } from 'fastify'

/** An error as OpenAI's clients read it. */
export interface OpenAiError {
  readonly error: {
    readonly message: string
    readonly type: 'invalid_request_error' | 'rate_limit_error' | 'server_error'
    readonly param: string | null
    readonly code: string | null
  }
}

/** A request that ends here, with the answer it gets. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly code: string
  readonly param: string | null
  readonly retryAfterS: number | undefined

  constructor(
    status: number,
    code: string,
    message: string,
    more: { readonly param?: string; readonly retryAfterS?: number } = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.param = more.param ?? null
    this.retryAfterS = more.retryAfterS
  }

  get body(): OpenAiError {
    return openAiError(this.status, this.message, this.code, this.param)
  }
}

export function openAiError(
  status: number,
  message: string,
  code: string | null,
  param: string | null = null,
): OpenAiError {
  const type = status === 429 ? 'rate_limit_error' : status < 500 ? 'invalid_request_error' : 'server_error'
  return { error: { message, type, param, code } }
}

/** Every error leaves in the one shape: refusals with their code, what Nest and Fastify refuse with their status. */
@Catch()
export class OpenAiErrors implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>()
    reply.hijack()
    const response = reply.raw
    // Who has read a part of an answer cannot be told any other way.
    if (response.headersSent) return void response.destroy()
    if (error instanceof Refusal) {
      if (error.retryAfterS !== undefined) response.setHeader('retry-after', String(error.retryAfterS))
      return send(response, error.status, error.body)
    }
    const status = error instanceof HttpException ? error.getStatus() : statusOf(error)
    const message = error instanceof Error ? error.message : String(error)
    send(response, status, openAiError(status, message, null))
  }
}

function send(response: ServerResponse, status: number, body: OpenAiError): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(body))
}

/** Fastify's own errors carry theirs. */
function statusOf(error: unknown): number {
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number')
    return error.statusCode
  return 500
}
