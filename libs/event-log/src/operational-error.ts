/** Why reading or writing failed, for a caller that decides by it. */
export type OperationalCode =
  | 'file_not_found'
  | 'is_a_directory'
  | 'permission_denied'
  | 'disk_full'
  | 'truncated_gzip'
  | 'corrupt_gzip'
  | 'truncated'
  | 'wrong_format'
  | 'read_failed'
  | 'write_failed'

/** Trouble with the world outside, not a bug: thrown by adapters, handled at the edge that knows what to do about it. */
export class OperationalError extends Error {
  override readonly name = 'OperationalError'
  readonly code: OperationalCode
  /** Whether the same call may succeed later, with nothing changed by the caller. */
  readonly retryable: boolean

  constructor(
    code: OperationalCode,
    message: string,
    options: { readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

/** Names of libuv and zlib, which Node puts into `error.code`. */
const KNOWN_CAUSES: ReadonlyMap<string, { readonly code: OperationalCode; readonly says: string }> = new Map([
  ['ENOENT', { code: 'file_not_found', says: 'there is no such file or folder' }],
  ['EISDIR', { code: 'is_a_directory', says: 'it is a folder, not a file' }],
  ['ENOTDIR', { code: 'file_not_found', says: 'a part of its path is a file, not a folder' }],
  ['EACCES', { code: 'permission_denied', says: 'permission denied' }],
  ['EPERM', { code: 'permission_denied', says: 'permission denied' }],
  ['EROFS', { code: 'permission_denied', says: 'the file system is read-only' }],
  ['ENOSPC', { code: 'disk_full', says: 'no space left on the device' }],
  ['EDQUOT', { code: 'disk_full', says: 'the disk quota is used up' }],
  [
    'Z_BUF_ERROR',
    { code: 'truncated_gzip', says: 'the gzip data ends too early; was the file copied completely?' },
  ],
  ['Z_DATA_ERROR', { code: 'corrupt_gzip', says: 'the gzip data is damaged' }],
])

/** What went wrong with `path`, in words; an error that is already one of ours stays as it is. */
export function fileTrouble(action: 'read' | 'write', path: string, cause: unknown): OperationalError {
  if (cause instanceof OperationalError) return cause
  const known = KNOWN_CAUSES.get(causeCode(cause))
  const says = known?.says ?? (cause instanceof Error ? cause.message : String(cause))
  return new OperationalError(known?.code ?? `${action}_failed`, `cannot ${action} ${path}: ${says}`, {
    retryable: known?.code === 'disk_full',
    cause,
  })
}

function causeCode(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
}
