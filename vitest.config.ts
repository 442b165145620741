import { existsSync, readdirSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

// Tests run on sources, so that no build is needed first: the packages' exports name their source under this condition.
const conditions = ['@kvasir/source']

function projectsIn(folder: string) {
  return readdirSync(new URL(`${folder}/`, import.meta.url))
    .filter((name) => existsSync(new URL(`${folder}/${name}/package.json`, import.meta.url)))
    .map((name) => project(name, `${folder}/${name}`))
}

function project(name: string, dir: string) {
  return { extends: true as const, test: { name, include: [`${dir}/**/*.spec.ts`] } }
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    environment: 'node',
    exclude: ['**/node_modules/**', '**/dist/**', ...(process.env['KVASIR_GPU'] ? [] : ['**/*.gpu.spec.ts'])],
    // Property tests on a loaded two-core machine.
    testTimeout: 30_000,
    // Many wait for processes, so no core is left out.
    maxWorkers: '100%',
    reporters: ['default', './tools/vitest/tally-reporter.ts'],
    passWithNoTests: true,
    projects: [...projectsIn('libs'), ...projectsIn('apps'), project('tools', 'tools')],
  },
})
