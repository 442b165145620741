import { PythonRandom } from './python-random.js'

export interface BurstRequest {
  readonly promptTokens: number
  readonly outputTokens: number
}

/**
 * The workload of `llm-inference-engine-1000.json` for any number of requests, all there before the first step: prompts of 4 to 96
 * tokens, 4 to 24 outputs, drawn as its engine draws them (`random.Random(7)`; the prompt's tokens are drawn in between).
 */
export function burstWorkload(requests: number): BurstRequest[] {
  const random = new PythonRandom(7)
  return Array.from({ length: requests }, () => {
    const promptTokens = random.randint(4, 96)
    const outputTokens = random.randint(4, 24)
    for (let i = 0; i < promptTokens; i++) random.randint(1, 31_999)
    return { promptTokens, outputTokens }
  })
}
