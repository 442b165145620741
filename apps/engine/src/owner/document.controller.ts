import type { EngineDocument } from '@kvasir/contracts'
import { MessageController, type Said } from '@kvasir/platform'
import { Ctx, EventPattern, Payload } from '@nestjs/microservices'

/** What the owner of the pool writes for this engine. Whether it is newer than what the engine knows, the machine finds out. */
@MessageController()
export class DocumentController {
  @EventPattern<string>('document')
  document(@Payload() document: EngineDocument, @Ctx() said: Said<EngineDocument>): void {
    said.pass(document)
  }
}
