import { randomUUID } from 'node:crypto'
import {
  type ChatRequest,
  chatRequestSchema,
  type CompletionRequest,
  completionRequestSchema,
  type RequestHeaders,
} from '@kvasir/contracts'
import { Body, Controller, Headers, Inject, Post, Res } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { type Ask, Engine } from '../engine.js'
import type { AnswerSink } from '../generation.js'
import { type AnswerShape, chatShape, completionShape } from './answer-shape.js'
import { EventStream } from './event-stream.js'
import { unservedModel } from './openai-error.js'
import { chatAsk, completionAsk, headersIn, parsedAs, requestIdOf } from './request.js'
import { WholeAnswer } from './whole-answer.js'

interface Exchange {
  readonly request: CompletionRequest | ChatRequest
  readonly ask: Ask
  readonly shape: AnswerShape
  readonly requestId: string
  readonly reply: FastifyReply
}

@Controller('v1')
export class CompletionsController {
  readonly #engine: Engine

  constructor(@Inject(Engine) engine: Engine) {
    this.#engine = engine
  }

  @Post('completions')
  async completions(
    @Body() body: unknown,
    @Headers() headers: Record<string, unknown>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const said = this.#identify(headers, reply)
    const request = parsedAs(completionRequestSchema, body)
    const ask = completionAsk(request, said.headers)
    await this.#serve({ request, ask, shape: completionShape, requestId: said.requestId, reply })
  }

  @Post('chat/completions')
  async chat(
    @Body() body: unknown,
    @Headers() headers: Record<string, unknown>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const said = this.#identify(headers, reply)
    const request = parsedAs(chatRequestSchema, body)
    const ask = chatAsk(request, said.headers)
    await this.#serve({ request, ask, shape: chatShape, requestId: said.requestId, reply })
  }

  /** Errors carry the request's id too. */
  #identify(
    raw: Readonly<Record<string, unknown>>,
    reply: FastifyReply,
  ): { readonly headers: RequestHeaders; readonly requestId: string } {
    const headers = headersIn(raw)
    const requestId = requestIdOf(headers)
    void reply.header('x-request-id', requestId)
    return { headers, requestId }
  }

  async #serve(exchange: Exchange): Promise<void> {
    const { request, shape } = exchange
    const { name } = this.#engine.profile.model
    if (request.model !== name) throw unservedModel(request.model, name)
    const head = {
      id: `${shape.idPrefix}${randomUUID()}`,
      created: Math.floor(Date.now() / 1_000),
      model: name,
    }
    if (request.stream === true) return this.#stream(exchange, head)
    const whole = new WholeAnswer(head, shape)
    this.#begin(exchange, whole)
    const body = await whole.body()
    await exchange.reply.code(200).send(body)
  }

  /** Resolves when the answer has begun to be sent. @throws {OpenAiError} when there will be none. */
  #stream(
    exchange: Exchange,
    head: { readonly id: string; readonly created: number; readonly model: string },
  ): Promise<void> {
    const { request, shape, requestId, reply } = exchange
    return new Promise((resolve, reject) => {
      reply.raw.once('close', () => {
        reply.hijack()
        resolve()
      })
      const stream = new EventStream({
        response: reply.raw,
        head,
        shape,
        includeUsage: request.stream_options?.include_usage === true,
        headers: { 'x-request-id': requestId },
        begin: () => void reply.hijack(),
        failed: reject,
      })
      this.#begin(exchange, stream)
    })
  }

  /** A client that goes away wants no answer any more. */
  #begin({ ask, reply }: Exchange, sink: AnswerSink): void {
    const abort = this.#engine.answer(ask, sink)
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) abort()
    })
  }
}
