import type { Schema } from '@kvasir/platform'
import { applyDecorators } from '@nestjs/common'
import { ApiBody, ApiDefaultResponse, ApiHeader, ApiOkResponse, ApiOperation } from '@nestjs/swagger'
import { refusalSchema } from '@kvasir/contracts'
import { z } from 'zod'

type Documented = NonNullable<Parameters<typeof ApiOkResponse>[0]>
type SchemaObject = Extract<Documented, { schema: unknown }>['schema']

/** A schema of contracts as OpenAPI 3.1 has it: JSON Schema, as it is written by clients or read by them. */
function schemaOf(schema: Schema<unknown>, io: 'input' | 'output'): SchemaObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' })
  return rest as SchemaObject
}

/** What a route answers, and how it refuses. */
export function answers(description: string, schema: Schema<unknown>): MethodDecorator {
  return applyDecorators(
    ApiOkResponse({ description, schema: schemaOf(schema, 'output') }),
    ApiDefaultResponse({
      description: 'refused: 400 bad input, 404 unknown, 409 stale revision, 503 the store is away',
      schema: schemaOf(refusalSchema, 'output'),
    }),
  )
}

/** What a route does, with which body. */
export function takes(summary: string, schema: Schema<unknown>): MethodDecorator {
  return applyDecorators(ApiOperation({ summary }), ApiBody({ schema: schemaOf(schema, 'input') }))
}

export function takesRevision(): MethodDecorator {
  return ApiHeader({
    name: 'If-Match',
    required: false,
    description: 'revision that the change was made on, such as "3": on another one it is refused with 409',
  })
}
