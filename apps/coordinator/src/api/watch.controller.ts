import { Controller, Inject, type MessageEvent, Sse } from '@nestjs/common'
import { Observable } from 'rxjs'
import type { ClusterReader } from '../desk/cluster-reader.js'
import { watchCluster } from '../desk/cluster-watch.js'
import { READER } from './tokens.js'

/** Server-sent events: `pool` and `decision`, see `ClusterEvent`. */
@Controller('v1/watch')
export class WatchController {
  readonly #reader: ClusterReader

  constructor(@Inject(READER) reader: ClusterReader) {
    this.#reader = reader
  }

  @Sse()
  watch(): Observable<MessageEvent> {
    return new Observable((subscriber) =>
      watchCluster(this.#reader, (event) =>
        subscriber.next({ type: event.kind, data: event.kind === 'pool' ? event.view : event.record }),
      ),
    )
  }
}
