import type { INestApplication } from '@nestjs/common'
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger'

/** The document of the API at `/openapi.json`, and pages to try it out at `/docs`. */
export function serveOpenApi(app: INestApplication): void {
  const config = new DocumentBuilder()
    .setTitle('Kvasir coordinator')
    .setDescription(
      'Models, their terms and what became of them; any coordinator answers for every pool. Experiments in the queue: [/experiments/queue](/experiments/queue).',
    )
    .setVersion('1')
    .setOpenAPIVersion('3.1.0')
    .build()
  const document = SwaggerModule.createDocument(app, config)
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'openapi.json' })
}
