import { acquire } from './acquire.js'
import { beat } from './beat.js'
import { commit } from './commit.js'
import { peek } from './peek.js'
import { retire } from './retire.js'
import { say } from './say.js'

/**
 * Name of the function library. It carries the version of the protocol: coordinators of two versions may share a Redis while one
 * replaces the other, each with its own functions.
 */
export const libraryName = 'kvasir_3'

/** How a function is called: its name carries the version too, for function names are global. */
export function functionName(verb: string): string {
  return `${libraryName}_${verb}`
}

/** Ownership as a hash has it and as every verb answers it; `false` when nobody has owned the actor. */
const ownership = `
local fields = {'term', 'by', 'beat', 'version', 'epoch', 'commit'}

local function own_of(key)
  local values = redis.call('HMGET', key, unpack(fields))
  if not values[1] then return false end
  return values
end
`

/** The whole library, as \`FUNCTION LOAD\` takes it. Functions carry no policy: they compare, write and read. */
export const librarySource = [
  `#!lua name=${libraryName}`,
  ownership,
  acquire,
  commit,
  peek,
  retire,
  say,
  beat,
].join('\n')
