export interface Answer {
  readonly status: number
  readonly body: unknown
}

export interface Question {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export async function ask(
  url: string,
  { method = 'GET', body, headers = {} }: Question = {},
): Promise<Answer> {
  const answer = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

/** Types of the first `count` events of a stream. */
export async function eventsOf(url: string, count: number): Promise<readonly string[]> {
  const stopping = new AbortController()
  const answer = await fetch(url, { headers: { accept: 'text/event-stream' }, signal: stopping.signal })
  const types: string[] = []
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of answer.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('event: ')) types.push(line.slice('event: '.length))
    if (types.length >= count) break
  }
  stopping.abort()
  return types
}
