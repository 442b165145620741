import { Metadata, type ServerWritableStream } from '@grpc/grpc-js'
import { type CompleteRequest, type CompleteResponse, wireEnd } from '@kvasir/wire'
import type { Engine } from '../engine.js'
import { callFailureOf } from './completion-error.js'
import { PacedAnswer } from './paced-answer.js'
import { readCompletion } from './read-completion.js'

type Call = ServerWritableStream<CompleteRequest, CompleteResponse>

/** Serves one completion. A client that cancels its call wants no more of it. */
export function complete(call: Call, engine: Engine): void {
  try {
    answer(call, engine)
  } catch (error) {
    call.emit('error', callFailureOf(error))
  }
}

/** Nothing is sent before there is a part: what never begins may be tried elsewhere. @throws {OpenAiError} */
function answer(call: Call, engine: Engine): void {
  const { ask, requestId } = readCompletion(call.request.completion, engine.profile.model.name)
  let begun = false
  const send = (part: CompleteResponse['part']): void => {
    if (!begun) {
      const metadata = new Metadata()
      metadata.set('x-request-id', requestId)
      call.sendMetadata(metadata)
    }
    begun = true
    call.write({ part })
  }
  const paced = new PacedAnswer({
    get open() {
      return !call.writableNeedDrain
    },
    text: (value) => send({ $case: 'text', value }),
    finished: (finish, usage) => {
      send({ $case: 'end', value: wireEnd(finish, usage) })
      call.end()
    },
    failed: (error) => void call.emit('error', callFailureOf(error)),
  })
  call.on('drain', () => paced.flush())
  const abort = engine.answer(ask, paced)
  call.on('cancelled', abort)
}
