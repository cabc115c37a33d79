import { describe, expect, it } from 'vitest'
import {
  boundedOutOfOrderness,
  collectionSink,
  collectionSource,
  job,
  operatorListState,
  type Out,
  processFunction,
  unionListState,
} from 'millrace'
import { testJob, type TestJobOptions } from 'millrace/testing'

const NUMBERS = Array.from({ length: 120 }, (_, n) => n)
const T0 = 1_700_000_000_000
const AT_THE_END = T0 + 1_000_000

/** Crashes on the way, of all kinds; at another parallelism after each that ends the process. */
function interrupted(seed: number): TestJobOptions {
  return {
    seed,
    parallelism: [2, 3, 1, 4],
    checkpointInterval: 3,
    crashAt: [
      { step: 40 + seed * 5 },
      { step: 30 + seed * 3, kind: seed % 2 === 0 ? 'stop' : 'process' },
      { step: 50, kind: 'thread', slot: 0 },
      { step: 40 + seed * 2, kind: 'process' },
    ],
  }
}

const SEEDS = Array.from({ length: 8 }, (_, index) => index + 1)

describe('lists of subtasks through crashes and at another parallelism', () => {
  /** Holds all records back until time ends; whoever has a key then lets go of what its subtask holds. */
  const held = job('held', {}, (env) => {
    env
      .fromSource(collectionSource(NUMBERS), {
        uid: 'numbers',
        watermarks: boundedOutOfOrderness('0s', (n: number) => T0 + n),
      })
      .keyBy((n) => n)
      .process(
        processFunction({
          operatorState: { held: operatorListState<number>(), told: unionListState<number>() },
          open({ subtaskIndex, operatorState: { told } }) {
            // The first subtask takes over what all have told, so that it is there once.
            const all = told.get().reduce((sum, n) => sum + n, 0)
            told.update(subtaskIndex === 0 ? [all] : [0])
          },
          processElement(n: number, ctx, _out: Out<string>) {
            ctx.timers.registerEventTime(AT_THE_END)
            const { held, told } = ctx.operatorState
            held.add(n)
            told.update([told.get()[0]! + 1])
          },
          onTimer(_timestamp, ctx, out) {
            const { held, told } = ctx.operatorState
            for (const n of held.get()) out.emit(`n ${n}`)
            if (told.get()[0]! > 0) out.emit(`told ${told.get()[0]}`)
            held.clear()
            told.update([0])
          },
        }),
        { uid: 'held' },
      )
      .sinkTo(collectionSink(), { uid: 'out' })
  })

  it.each(SEEDS)(
    'keep each item once, and a union list that is shared out its sum, seed %i (semantics 2.9, R24)',
    async (seed) => {
      const result = await testJob(held, interrupted(seed))
      expect(result.crashes.length).toBeGreaterThan(2)
      const out = result.collected['out']! as string[]
      const items = out.filter((line) => line.startsWith('n '))
      expect(items.toSorted()).toEqual(NUMBERS.map((n) => `n ${n}`).toSorted())
      const told = out.filter((line) => line.startsWith('told ')).map((line) => +line.slice(5))
      expect(told.reduce((a, b) => a + b, 0)).toBe(NUMBERS.length)
    },
  )

  it.each(SEEDS)(
    'give a function without a key the same batches as without a crash, seed %i (semantics 2.9)',
    async (seed) => {
      const batches = job('batches', {}, (env) => {
        env
          .fromSource(collectionSource(NUMBERS), { uid: 'numbers' })
          .process(
            {
              operatorState: { batch: operatorListState<number>() },
              processElement(n, ctx, out: Out<readonly number[]>) {
                const { batch } = ctx.operatorState
                batch.add(n)
                if (batch.get().length < 8) return
                out.emit([...batch.get()])
                batch.clear()
              },
            },
            { uid: 'batches' },
          )
          .sinkTo(collectionSink(), { uid: 'out' })
      })
      const result = await testJob(batches, { ...interrupted(seed), parallelism: 1 })
      expect(result.crashes.length).toBeGreaterThan(1)
      const expected = Array.from({ length: 15 }, (_, b) => NUMBERS.slice(b * 8, b * 8 + 8))
      expect(result.collected['out']).toEqual(expected)
    },
  )
})

describe('a union list in an operator of which some subtasks have finished', () => {
  /** One subtask of the source has ended from the start, the other has most of its input still to read. */
  const counted = (isRebalanced: boolean) =>
    job('counted', {}, (env) => {
      const numbers = env.fromSource(collectionSource(NUMBERS), { uid: 'numbers', parallelism: 2 })
      const input = isRebalanced ? numbers.rebalance() : numbers
      input
        .process(
          {
            operatorState: { counts: unionListState<number>() },
            processElement(n, ctx, out: Out<number>) {
              ctx.operatorState.counts.add(n)
              out.emit(n)
            },
          },
          { uid: 'counted', parallelism: 2 },
        )
        .sinkTo(collectionSink(), { uid: 'out' })
    })

  it('is in no checkpoint of that time, which is declined and says what to do (semantics 2.9)', async () => {
    await expect(
      testJob(counted(false), { parallelism: 2, checkpointInterval: 1 }),
    ).rejects.toMatchObject({
      code: 'MR_REPEATED_FAILURE',
      message: expect.stringMatching(
        /with MR_CHECKPOINT_PARTLY_FINISHED, .*numbers\[1\] had finished .* put rebalance\(\)/u,
      ),
    })
  })

  it('is in checkpoints again behind an exchange, where all of them finish together (R34)', async () => {
    const result = await testJob(counted(true), { parallelism: 2, checkpointInterval: 3 })
    expect(result.collected['out']!.toSorted()).toEqual(NUMBERS.toSorted())
    expect(result.events.filter(({ type }) => type === 'checkpoint').length).toBeGreaterThan(3)
  })
})
