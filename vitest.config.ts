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
          exclude: ['test/cluster/**', 'test/kafka/**'],
          // A file a process would spend more time on loading modules than on testing them: no file replaces any.
          isolate: false,
          // Vitest leaves one core alone, which is half of what CI has.
          maxWorkers: '100%',
          // Not a limit for the code: a machine that has other things to do must not turn a test red.
          testTimeout: 60_000,
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
      {
        extends: true,
        test: {
          name: 'kafka',
          include: ['test/kafka/**/*.test.ts'],
          // One broker for all files, in this process.
          globalSetup: ['test/servers/kafka-global-setup.ts'],
          pool: 'forks',
          // They wait for brokers and processes most of the time.
          maxWorkers: 3,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // The client's timers are sometimes late, which Node warns of.
          execArgv: ['-C', '@millrace/source', '--disable-warning=TimeoutNegativeWarning'],
        },
      },
    ],
  },
})
