import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { generatedFiles } from './generate.js'

describe('generated schemas', () => {
  const ajv = new Ajv2020({ strict: false })

  it.each(Object.entries(generatedFiles))('%s is a valid JSON Schema', (_path, schema) => {
    expect(ajv.validateSchema(Object(schema))).toBe(true)
  })

  it('accept a scenario that leaves out what has a default, and refuse an unknown field', () => {
    const validate = ajv.compile(Object(generatedFiles['schemas/scenario.schema.json']))
    const scenario = {
      name: 'small',
      models: [{ name: 'chat', architecture: 'Llama-3.1-8B' }],
      workload: { traces: [{ file: 'a.csv' }] },
    }
    expect(validate(scenario)).toBe(true)
    expect(validate({ ...scenario, sede: 1 })).toBe(false)
  })
})
