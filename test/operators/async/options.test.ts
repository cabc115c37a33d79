import { type AsyncOptions, collectionSink, collectionSource, type DataStream, job } from 'millrace'
import { describe, expect, it } from 'vitest'

function plan(build: (input: DataStream<number>) => DataStream<unknown>): void {
  job('async-options', {}, (env) => {
    build(env.fromSource(collectionSource([1]), { uid: 'numbers' })).sinkTo(collectionSink(), {
      uid: 'out',
    })
  }).build({}, { parallelism: 1, maxParallelism: 128 })
}

function planWith(options: object): void {
  plan((input) =>
    input.unorderedWait(async () => [], {
      uid: 'asked',
      ...(options as AsyncOptions<readonly never[]>),
    }),
  )
}

const DELAY = { initial: 100, max: 1_000, multiplier: 2 }

describe('Options of asynchronous functions', () => {
  it.each([
    [{ capacity: 0 }, 'MR_OPTION_INVALID', /unorderedWait\("asked"\) has the capacity 0; .*from 1/],
    [{ capacity: 1.5 }, 'MR_OPTION_INVALID', /the capacity 1.5/],
    [{ capacity: '10' }, 'MR_OPTION_INVALID', /the capacity "10"/],
    [{ timeout: 0 }, 'MR_OPTION_INVALID', /the timeout 0; no call could answer in time/],
    [
      { timeout: 'soon' },
      'MR_DURATION_INVALID',
      /The timeout of unorderedWait\("asked"\) is "soon"/,
    ],
    [{ timeout: -1 }, 'MR_DURATION_INVALID', /-1/],
    [{ retry: { maxAttempts: 0, delay: 1 } }, 'MR_OPTION_INVALID', /retry.maxAttempts 0/],
    [{ retry: { maxAttempts: Infinity, delay: 1 } }, 'MR_OPTION_INVALID', /maxAttempts Infinity/],
    [{ retry: { maxAttempts: 1, delay: -5 } }, 'MR_DURATION_INVALID', /retry.delay/],
    [{ retry: { maxAttempts: 1 } }, 'MR_DURATION_INVALID', /retry.delay .*undefined/],
    [
      { retry: { maxAttempts: 1, delay: { ...DELAY, multiplier: 0.5 } } },
      'MR_OPTION_INVALID',
      /multiplier 0.5; the delay would shrink/,
    ],
    [
      { retry: { maxAttempts: 1, delay: { ...DELAY, max: 99 } } },
      'MR_OPTION_INVALID',
      /max below its initial/,
    ],
    [
      { retry: { maxAttempts: 1, delay: 1, retryOnError: true } },
      'MR_OPTION_INVALID',
      /retry.retryOnError true/,
    ],
    [{ onError: 'skip' }, 'MR_OPTION_INVALID', /onError/],
    [{ parallelism: 0 }, 'MR_OPTION_INVALID', /parallelism/],
  ])('%j fail when the graph is built, with %s', (options, code, message) => {
    expect(() => planWith(options)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })

  it('hold for asyncMap too', () => {
    expect(() => plan((input) => input.asyncMap((n) => n, { uid: 'm', capacity: -1 }))).toThrow(
      /^asyncMap\("m"\) has the capacity -1/,
    )
  })

  it('need a uid, since what is under way is state', () => {
    for (const method of ['orderedWait', 'unorderedWait', 'asyncMap'] as const) {
      expect(() => plan((input) => input[method](async () => [], undefined as never))).toThrow(
        expect.objectContaining({ code: 'MR_UID_MISSING' }),
      )
    }
  })

  it.each([
    ['nothing', undefined, /orderedWait was given something of type undefined without asyncInvoke/],
    ['an object without the method', { invoke() {} }, /without asyncInvoke/],
    ['a timeout that is no function', { asyncInvoke() {}, timeout: 5 }, /without timeout/],
  ])('need a function: %s is none', (_name, fn, message) => {
    expect(() => plan((input) => input.orderedWait(fn as never, { uid: 'asked' }))).toThrow(
      expect.objectContaining({
        code: 'MR_GRAPH_INVALID',
        message: expect.stringMatching(message),
      }),
    )
  })
})
