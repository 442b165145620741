import type { EngineDocument, EngineMessage, PoolReport, ShareDocument } from '@kvasir/contracts'
import type { EngineHost, PoolHost } from './build.js'

/** What is on its way between machines. */
export type Letter =
  | { readonly kind: 'document'; readonly engine: EngineHost; readonly document: EngineDocument }
  | { readonly kind: 'message'; readonly pool: PoolHost; readonly message: EngineMessage }
  | { readonly kind: 'report'; readonly report: PoolReport }
  | { readonly kind: 'shares'; readonly pool: PoolHost; readonly document: ShareDocument }
