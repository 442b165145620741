import {
  modelListSchema,
  modelPatchSchema,
  type ModelStatus,
  modelStatusSchema,
  modelTermsSchema,
} from '@kvasir/contracts'
import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Inject,
  Param,
  Patch,
  Put,
  Res,
} from '@nestjs/common'
import type { ClusterReader } from '../desk/cluster-reader.js'
import type { ModelDesk } from '../desk/model-desk.js'
import { answers, takes, takesRevision } from './documented.js'
import { basisIn, bodyAs } from './read-input.js'
import { DESK, READER } from './tokens.js'

/** Of Fastify's reply, what is used here. */
interface Reply {
  status(code: number): Reply
  header(name: string, value: string): Reply
}

@Controller('v1/models')
export class ModelsController {
  readonly #reader: ClusterReader
  readonly #desk: ModelDesk

  constructor(@Inject(READER) reader: ClusterReader, @Inject(DESK) desk: ModelDesk) {
    this.#reader = reader
    this.#desk = desk
  }

  @Get()
  @answers('registered models', modelListSchema)
  async list(): Promise<{ readonly models: readonly ModelStatus[] }> {
    return { models: await this.#reader.models() }
  }

  @Get(':name')
  @answers('one model; its revision is the entity tag', modelStatusSchema)
  async show(@Param('name') name: string, @Res({ passthrough: true }) reply: Reply): Promise<ModelStatus> {
    return tagged(reply, await this.#desk.find(name))
  }

  @Put(':name')
  @takes('registers a model, or says all its terms anew', modelTermsSchema)
  @takesRevision()
  @answers('the model; 201 when it is new', modelStatusSchema)
  async put(
    @Param('name') name: string,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<ModelStatus> {
    const { model, created } = await this.#desk.put(name, bodyAs(modelTermsSchema, body), basisIn(ifMatch))
    reply.status(created ? 201 : 200)
    return tagged(reply, model)
  }

  @Patch(':name')
  @takes('changes terms, or drains; what is left out stays as it is', modelPatchSchema)
  @takesRevision()
  @answers('the model', modelStatusSchema)
  async patch(
    @Param('name') name: string,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<ModelStatus> {
    return tagged(reply, await this.#desk.patch(name, bodyAs(modelPatchSchema, body), basisIn(ifMatch)))
  }

  @Delete(':name')
  @HttpCode(204)
  @takesRevision()
  async remove(@Param('name') name: string, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    await this.#desk.remove(name, basisIn(ifMatch))
  }
}

function tagged(reply: Reply, model: ModelStatus): ModelStatus {
  reply.header('etag', `"${model.revision}"`)
  return model
}
