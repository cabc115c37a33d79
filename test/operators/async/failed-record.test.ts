import { describe, expect, test } from 'vitest'
import {
  collectionSink,
  collectionSource,
  type DataStream,
  job,
  monotonousTimestamps,
  RestartableError,
  StreamError,
} from 'millrace'
import { pause, testJob, type TestJobOptions } from 'millrace/testing'

// Calls fail long after their record was taken, when the source has gone on (R39).

const T0 = 1_700_000_000_000

interface Row {
  readonly id: number
}

const rows = [1, 2, 3, 4, 5, 6].map((id): Row => ({ id }))

/** Record 3 fails when all others have been read. */
function asking(ask: (rows: DataStream<Row>) => DataStream<unknown>) {
  return job('asking', {}, (env) => {
    const watermarks = monotonousTimestamps<Row>(({ id }) => T0 + id)
    const read = env.fromSource(collectionSource([...rows, pause(50)]), {
      uid: 'rows',
      watermarks,
    })
    ask(read).sinkTo(collectionSink(), { uid: 'out' })
  })
}

async function failureOf(
  ask: (rows: DataStream<Row>) => DataStream<unknown>,
  options: TestJobOptions = {},
): Promise<StreamError> {
  try {
    await testJob(asking(ask), options)
  } catch (error) {
    return error as StreamError
  }
  throw new Error('nothing failed')
}

async function later(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const rejects = async ({ id }: Row): Promise<number> => {
  await later(5)
  if (id === 3) throw new RangeError('three')
  return id
}

const silent = ({ id }: Row): number | Promise<number> =>
  id === 3 ? new Promise<never>(() => {}) : id

const throws = ({ id }: Row): number => {
  if (id === 3) throw new RangeError('three')
  return id
}

const THIRD = `Operator "asked", record { id: 3 } at ${T0 + 3}: `
const POSITION = 'source position value 2 of the collection'

describe('a call that fails', () => {
  test.each([
    ['rejects', rejects, {}],
    ['throws at once', throws, {}],
    ['is never answered', silent, { timeout: 20 }],
  ] as const)(
    'names the position of its own record where it %s (R39, semantics 2.16)',
    async (_how, ask, options) => {
      const error = await failureOf((stream) => stream.asyncMap(ask, { uid: 'asked', ...options }))
      expect(error.message).toContain(THIRD)
      expect(error.message.split('source position')).toHaveLength(2)
      expect(error.message).toContain(POSITION)
      expect(error.fields).toMatchObject({
        operator: 'asked',
        record: '{ id: 3 }',
        timestamp: T0 + 3,
        position: 'value 2 of the collection',
      })
      expect(error.fields).not.toHaveProperty('callback')
    },
  )

  test('names it for an error with a code of its own, and for answers that are none (R39)', async () => {
    const coded = await failureOf((stream) =>
      stream.unorderedWait(
        async ({ id }) => {
          await later(5)
          if (id === 3) throw new StreamError('MR_BAD_RECORD', 'told')
          return [id]
        },
        { uid: 'asked' },
      ),
    )
    expect(coded).toMatchObject({ code: 'MR_BAD_RECORD', fields: { record: '{ id: 3 }' } })
    expect(coded.message).toContain(`${THIRD}told (subtask 0, ${POSITION})`)
    const answered = await failureOf((stream) =>
      stream.orderedWait(async ({ id }) => (id === 3 ? (7 as never) : [id]), { uid: 'asked' }),
    )
    expect(answered.message).toContain(POSITION)
  })

  test('names it behind a keyBy that needs no other thread (R39)', async () => {
    const error = await failureOf((stream) =>
      stream
        .keyBy(({ id }) => id)
        .reduce((row) => row, { uid: 'rows-by-id' })
        .asyncMap(rejects, { uid: 'asked' }),
    )
    expect(error.message).toContain(`${THIRD}the asynchronous function rejected with RangeError`)
    expect(error.message).toContain(POSITION)
  })

  test('behind a shuffle names operator, record and time, and no position (R39)', async () => {
    const error = await failureOf(
      (stream) => stream.rebalance().asyncMap(rejects, { uid: 'asked' }),
      { parallelism: 3 },
    )
    expect(error.message).toContain(THIRD)
    expect(error.message).not.toContain('source position')
    expect(error.fields).not.toHaveProperty('position')
  })

  test('names no position for a record that a checkpoint held (R39)', async () => {
    let starts = 0
    let isOpen = false
    const error = await failureOf(
      (stream) =>
        stream.asyncMap(
          {
            open: () => void starts++,
            asyncMap: async ({ id }: Row) => {
              if (id !== 3) return id
              if (starts === 1) return new Promise<never>(() => {})
              isOpen = true
              throw new StreamError('MR_BAD_RECORD', 'told')
            },
          },
          { uid: 'asked' },
        ),
      { crashAt: 'after-commit', checkpointInterval: 5 },
    )
    expect(isOpen).toBe(true)
    expect(error.message).toContain(THIRD)
    expect(error.message).not.toContain('source position')
  })
})

describe('a record that was answered', () => {
  test('takes no position of another one with it (R39)', async () => {
    const error = await failureOf((stream) =>
      stream
        .asyncMap(
          async ({ id }) => {
            await later(5)
            return id
          },
          { uid: 'asked' },
        )
        .process(
          (id) => {
            if (id === 3) throw new RestartableError('MR_BAD_RECORD', 'told')
          },
          { uid: 'next' },
        ),
    )
    expect(error.message).toContain(`Operator "next", record 3 at ${T0 + 3}: told`)
    expect(error.message).not.toContain('source position')
  })
})
