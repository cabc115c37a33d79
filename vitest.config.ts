import { defineConfig } from 'vitest/config'

const source = ['@millrace/source', 'node', 'import', 'default']

export default defineConfig({
  ssr: { resolve: { conditions: source, externalConditions: source } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/cluster/**'],
          execArgv: ['-C', '@millrace/source'],
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          execArgv: ['-C', '@millrace/source'],
        },
      },
    ],
  },
})
