import type { ChatMessage, CompletionRequest } from '@kvasir/contracts'

/**
 * Tokens without a tokeniser, for devices that do no arithmetic: a token is four bytes of UTF-8, the last one filled up with zeros. Two
 * texts that begin alike have the same first tokens, so that prefix caching is real.
 */
const BYTES_PER_TOKEN = 4

/** Ids of the four bytes `<us>` and the like, which stand before each message of a chat. */
const roleTokens: Readonly<Record<ChatMessage['role'], number>> = {
  system: tokensOf('<sy>')[0],
  developer: tokensOf('<sy>')[0],
  user: tokensOf('<us>')[0],
  assistant: tokensOf('<as>')[0],
  tool: tokensOf('<to>')[0],
  function: tokensOf('<to>')[0],
}

export function tokensOf(text: string): number[] {
  const bytes = new TextEncoder().encode(text)
  const tokens: number[] = []
  for (let i = 0; i < bytes.length; i += BYTES_PER_TOKEN) {
    let token = 0
    for (let k = 0; k < BYTES_PER_TOKEN; k++) token = (token << 8) | (bytes[i + k] ?? 0)
    tokens.push(token)
  }
  return tokens
}

/** A prompt's tokens, at least one. Ids count as they are. */
export function promptTokens(prompt: CompletionRequest['prompt']): readonly number[] {
  if (typeof prompt === 'string') return atLeastOne(tokensOf(prompt))
  const [first] = prompt
  if (typeof first === 'string') return atLeastOne(tokensOf(first))
  if (typeof first === 'object') return first
  return prompt.filter((token) => typeof token === 'number')
}

/**
 * A chat's tokens: each message behind its role, and the role of the answer at the end. Messages begin at a token of their own: an
 * answer that is sent back as a message has the tokens it was put out with, and its KV is found again.
 */
export function chatTokens(messages: readonly ChatMessage[]): readonly number[] {
  const tokens = messages.flatMap(({ role, content }) => [roleTokens[role], ...tokensOf(textIn(content))])
  return [...tokens, roleTokens.assistant]
}

function textIn(content: ChatMessage['content']): string {
  if (typeof content === 'string') return content
  return (content ?? []).map(({ text }) => text).join('')
}

function atLeastOne(tokens: number[]): number[] {
  return tokens.length > 0 ? tokens : [0]
}
