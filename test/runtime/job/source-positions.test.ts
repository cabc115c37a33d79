import { describe, expect, it } from 'vitest'
import { collectionSink } from '../../../connectors/collection-sink.ts'
import { collectionSource, pause } from '../../../connectors/collection-source.ts'
import type { Out } from '../../../operators/collector.ts'
import { job } from '../../../operators/job.ts'
import { processFunction } from '../../../operators/process.ts'
import { testJob } from '../../../testing/test-job.ts'

/** Fails at 8, behind a shuffle, after a checkpoint at 3. */
const failing = (uid: string) =>
  job('failing', {}, (env) => {
    env
      .fromSource(collectionSource([1, 2, 3, pause(500), 8]), { uid })
      .keyBy((n) => n)
      .process(
        processFunction({
          processElement(n: number, _ctx, _out: Out<number>) {
            if (n === 8) throw new RangeError('eight')
          },
        }),
        { uid: 'strict' },
      )
      .sinkTo(collectionSink(), { uid: 'out' })
  })

async function failureOf(parallelism: number): Promise<unknown> {
  return testJob(failing('numbers'), { parallelism, checkpointInterval: 20 }).then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('the position of a failure', () => {
  it('is that of the last checkpoint where the record came over a shuffle (R39)', async () => {
    const error = await failureOf(3)
    expect(error).toMatchObject({
      code: 'MR_REPEATED_FAILURE',
      message: expect.stringMatching(
        /Operator "strict", record 8.*RangeError: eight.*key 8.*subtask \d.*sources in checkpoint \d+: "numbers" at .*index: 4/,
      ) as string,
      fields: expect.objectContaining({
        operator: 'strict',
        record: '8',
        key: '8',
        sourcePositions: { numbers: expect.stringContaining('index: 4') as string },
      }) as object,
    })
  })

  it('is exact where the source called the operator directly (R39)', async () => {
    expect(await failureOf(1)).toMatchObject({
      message: expect.stringContaining('source position value 4 of the collection') as string,
      fields: expect.not.objectContaining({ sourcePositions: expect.anything() }) as object,
    })
  })
})
