import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/**
 * V8 keeps a list of its pages of machine code for all threads of a process, and ends it ("Check failed: jit_page.has_value()") where
 * two threads that start or end get in each other's way; only with these keys does it look into the list (seen once in some 50 runs).
 */
const noKeys = '--no-memory-protection-keys'

const source = ['@millrace/source', 'node', 'import', 'default']

/** For tests with threads and processes. */
const quickStarts = {
  // All of them import the same modules: compiled once, they start with half of the work.
  NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-compile-cache'),
  // Commands run what `buildPackage` has made.
  MILLRACE_BUILT: '1',
}
const buildPackage = 'test/harness/build-package.ts'

export default defineConfig({
  ssr: { resolve: { conditions: source, externalConditions: source } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/cluster/**', 'test/kafka/**', 'test/aws/**'],
          // A file a process would spend more time on loading modules than on testing them: no file replaces any.
          isolate: false,
          // Vitest leaves one core alone, which is half of what CI has.
          maxWorkers: '100%',
          // Not a limit for the code: a machine that has other things to do must not turn a test red.
          testTimeout: 60_000,
          execArgv: ['-C', '@millrace/source', noKeys],
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          env: quickStarts,
          include: ['test/cluster/**/*.test.ts'],
          globalSetup: [buildPackage],
          pool: 'forks',
          // As with "unit".
          isolate: false,
          // A file has two threads at work for half of its time: the machine would be idle for the rest.
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          execArgv: ['-C', '@millrace/source', noKeys],
        },
      },
      {
        extends: true,
        test: {
          name: 'kafka',
          env: quickStarts,
          include: ['test/kafka/**/*.test.ts'],
          // One broker for all files, in this process.
          globalSetup: [buildPackage, 'test/servers/kafka-global-setup.ts'],
          pool: 'forks',
          // They wait for brokers and processes most of the time.
          maxWorkers: 3,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // The client's timers are sometimes late, which Node warns of.
          execArgv: ['-C', '@millrace/source', noKeys, '--disable-warning=TimeoutNegativeWarning'],
        },
      },
      {
        extends: true,
        test: {
          name: 'aws',
          env: quickStarts,
          include: ['test/aws/**/*.test.ts'],
          // One of each stand-in for all files, in this process.
          globalSetup: [buildPackage, 'test/servers/aws-global-setup.ts'],
          pool: 'forks',
          // As with "unit": the clients of AWS take most of a second.
          isolate: false,
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          execArgv: ['-C', '@millrace/source', noKeys],
        },
      },
    ],
  },
})
