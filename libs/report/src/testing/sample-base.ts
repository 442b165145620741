import type { ExperimentSpecInput } from '@kvasir/contracts'

/** The least that an experiment can be based on: one model, ten requests. */
export const sampleBase: ExperimentSpecInput['base'] = {
  name: 'base',
  models: [{ name: 'chat', architecture: 'Llama-3.1-8B' }],
  workload: {
    generators: [
      {
        model: 'chat',
        requests: 10,
        arrivals: { kind: 'poisson', ratePerS: 4 },
        lengths: { prompt: { kind: 'fixed', tokens: 100 }, output: { kind: 'fixed', tokens: 10 } },
      },
    ],
  },
}
