import { type Agent, get } from 'node:http'

/** What a neighbour says to a question; undefined when it does not answer in time. Never throws. */
export function getText(
  url: string,
  agent: Agent,
  withinMs: number,
): Promise<{ readonly status: number | undefined; readonly text: string } | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent, timeout: withinMs }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.once('end', () => resolve({ status: response.statusCode, text }))
      response.once('error', () => resolve(undefined))
    })
    request.once('timeout', () => request.destroy(new Error('no answer')))
    request.once('error', () => resolve(undefined))
  })
}
