import { describe, expect, it } from 'vitest'
import { setThreadPoolSize, threadPoolSize } from '../../cli/thread-pool.ts'

describe('the size of libuv’s thread pool (N14)', () => {
  it.each([
    [1, 8],
    [2, 12],
    [8, 36],
    [1_000, 1_024],
  ])('is for parallelism %d: %d', (parallelism, size) => {
    expect(threadPoolSize(parallelism)).toBe(size)
  })

  it('is left alone where it is set', () => {
    const env: NodeJS.ProcessEnv = {}
    setThreadPoolSize(env, 2)
    expect(env['UV_THREADPOOL_SIZE']).toBe('12')
    setThreadPoolSize(env, 8)
    expect(env['UV_THREADPOOL_SIZE']).toBe('12')
  })
})
