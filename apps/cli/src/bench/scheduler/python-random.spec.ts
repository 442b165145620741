import { expect, test } from 'vitest'
import { burstWorkload } from './burst-workload.js'
import { PythonRandom } from './python-random.js'

test('draws what CPython draws', () => {
  // python3 -c "import random; r = random.Random(7); print([r.randint(0, 2**31 - 1) for _ in range(4)])"
  const random = new PythonRandom(7)
  expect(Array.from({ length: 4 }, () => random.randint(0, 2 ** 31 - 1))).toEqual([
    1_390_851_128, 647_892_279, 1_695_753_998, 207_388_624,
  ])
})

test('makes the recorded workload again, by its totals', () => {
  const totals = (requests: number) =>
    burstWorkload(requests).reduce(
      ({ prompt, output }, each) => ({
        prompt: prompt + each.promptTokens,
        output: output + each.outputTokens,
      }),
      { prompt: 0, output: 0 },
    )
  // `llm-inference-engine-1000.json` of the shared data: deterministic and ten_thousand.
  expect(totals(1_000)).toEqual({ prompt: 50_467, output: 13_904 })
  expect(totals(10_000)).toEqual({ prompt: 500_906, output: 139_827 })
  expect(burstWorkload(3)).toEqual([
    { promptTokens: 45, outputTokens: 8 },
    { promptTokens: 22, outputTokens: 21 },
    { promptTokens: 91, outputTokens: 21 },
  ])
})
