import { describe, expect, it } from 'vitest'
import type { RunJobOptions } from '../../../runtime/job/job-events.ts'
import { resolveRunOptions } from '../../../runtime/job/run-options.ts'

describe('options of a run', () => {
  it('has the defaults of the command line (N5)', () => {
    expect(resolveRunOptions({})).toMatchObject({
      parallelism: undefined,
      dir: '.millrace',
      checkpoints: {
        intervalMs: 10_000,
        minPauseMs: 5_000,
        timeoutMs: 600_000,
        tolerableFailures: 2,
        retained: 3,
      },
      bufferTimeoutMs: 10,
      params: {},
      fresh: false,
      from: undefined,
      output: 'refuse',
      strict: false,
      stopTimeoutMs: 10_000,
      allowRewind: false,
      allowGrownInput: false,
      allowNonRestoredState: false,
      resetWatermarks: false,
      progressIntervalMs: 1_000,
    })
  })

  it('reads durations and sizes', () => {
    const settings = resolveRunOptions({
      checkpointInterval: '500ms',
      checkpointMinPause: 0,
      checkpointTimeout: '1m',
      tolerableFailures: 0,
      retainedCheckpoints: 1,
      bufferTimeout: '1ms',
      stopTimeout: 7,
      memory: '256mb',
    })
    expect(settings).toMatchObject({
      checkpoints: {
        intervalMs: 500,
        minPauseMs: 0,
        timeoutMs: 60_000,
        tolerableFailures: 0,
        retained: 1,
      },
      bufferTimeoutMs: 1,
      stopTimeoutMs: 7,
      memoryBytes: 268_435_456,
    })
  })

  it.each<[Record<string, unknown>, RegExp]>([
    [
      { paralellism: 2 },
      /runJob\(\) has the option "paralellism", which there is not; .* write "parallelism"/,
    ],
    [{ toString: 1 }, /"toString", which there is not; .* there are parallelism, dir, /],
    [{ parallelism: 0 }, /from 1 to 1024/],
    [{ parallelism: 1.5 }, /parallelism is 1.5/],
    [{ parallelism: '2' }, /parallelism is a value of type string/],
    [{ parallelism: null }, /parallelism is null/],
    [{ fresh: true, from: 'x' }, /fresh and from are both set/],
    [{ output: 'append' }, /use "replace" or "keep"/],
    [{ output: 'refuse' }, /use "replace" or "keep"/],
    [{ checkpointInterval: 0 }, /checkpointInterval is 0/],
    [{ checkpointTimeout: '0s' }, /checkpointTimeout is 0/],
    [{ tolerableFailures: -1 }, /tolerableFailures is -1.*at least 0/],
    [{ retainedCheckpoints: 0 }, /retainedCheckpoints is 0.*at least 1/],
    [{ bufferTimeout: 0 }, /bufferTimeout is 0.*at least a millisecond/],
    [{ bufferTimeout: '0.4ms' }, /bufferTimeout is 0.4ms.*at least a millisecond/],
    [{ bufferTimeout: true }, /bufferTimeout is a value of type boolean/],
    [{ progressInterval: -1 }, /progressInterval is -1/],
    [{ onEvent: {} }, /onEvent is a value of type object/],
  ])('refuses %j', (options, message) => {
    expect(() => resolveRunOptions(options as RunJobOptions)).toThrow(
      expect.objectContaining({
        code: 'MR_OPTION_INVALID',
        message: expect.stringMatching(message),
      }),
    )
  })

  it('takes undefined for an option that is not given', () => {
    const options = { parallelism: undefined, from: undefined } as unknown as RunJobOptions
    expect(resolveRunOptions(options)).toEqual(resolveRunOptions({}))
  })
})
