import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Logger } from 'pino'
import { OpenAiError } from './openai-error.js'

/** Every error leaves in the shape of the OpenAI API; one that nobody expected is logged, and tells clients nothing. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>()
    const error = this.#errorOf(thrown)
    if (error.retryAfterS !== undefined) void reply.header('retry-after', String(error.retryAfterS))
    void reply.code(error.status).send(error.body)
  }

  #errorOf(thrown: unknown): OpenAiError {
    if (thrown instanceof OpenAiError) return thrown
    const status = thrown instanceof HttpException ? thrown.getStatus() : statusIn(thrown)
    if (status >= 500) this.#log.error({ err: thrown }, 'a request failed')
    const message = status < 500 && thrown instanceof Error ? thrown.message : 'the engine failed'
    return new OpenAiError({ status, message, code: null })
  }
}

/** Fastify's own errors carry a status: a body that is too long, or not JSON. */
function statusIn(thrown: unknown): number {
  const status = thrown instanceof Error && 'statusCode' in thrown ? thrown.statusCode : undefined
  return typeof status === 'number' ? status : 500
}
