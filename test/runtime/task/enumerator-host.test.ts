import { beforeEach, describe, expect, it } from 'vitest'
import type { OwnStates } from '../../../runtime/checkpoint/manifest.ts'
import type { SourceNode } from '../../../runtime/graph/stream-graph.ts'
import type { EnumeratorContext, Source, SplitEnumerator } from '../../../runtime/source.ts'
import { EnumeratorHost } from '../../../runtime/task/enumerator-host.ts'
import { encodeValue } from '../../../runtime/value-codec.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'

describe('EnumeratorHost', () => {
  let log: string[]

  beforeEach(() => {
    log = []
  })

  function host(restored: OwnStates = {}): EnumeratorHost {
    return new EnumeratorHost({
      clock: new ManualClock(),
      allow: new Set(['grown-input']),
      restored,
      log: (uid, message) => log.push(`${uid}: ${message}`),
    })
  }

  function source(
    uid: string,
    make: (context: EnumeratorContext<unknown>, restored: unknown) => SplitEnumerator<unknown>,
  ): SourceNode {
    return {
      type: 'source',
      id: 0,
      operatorKind: 'test',
      uid,
      name: uid,
      parallelism: undefined,
      watermarks: undefined,
      source: { kind: 'test', boundedness: 'bounded', createEnumerator: make } as Source<unknown>,
    }
  }

  const link = {
    assignSplits: (subtask: number, splits: readonly unknown[]) =>
      log.push(`${subtask} <- ${splits.join()}`),
    noMoreSplits: (subtask: number) => log.push(`${subtask} <- end`),
  }

  it('starts enumerators one after another, and passes assignments on in their order (R31)', async () => {
    const one = host()
    const made = (uid: string) =>
      source(uid, (context) => ({
        async start() {
          await Promise.resolve()
          context.assignSplits(1, [`${uid}1`])
          context.signalNoMoreSplits(1)
          context.log('done')
        },
        snapshotState: () => null,
      }))
    one.add(made('a'), 2, link)
    one.add(made('b'), 2, link)
    await one.start()
    expect(log).toEqual(['1 <- a1', '1 <- end', 'a: done', '1 <- b1', '1 <- end', 'b: done'])
  })

  it('gives each enumerator its own state back, values of the type table included', async () => {
    const state = { listed: ['x'], at: new Date(5), none: undefined }
    const first = host()
    first.add(
      source('a', () => ({ start() {}, snapshotState: () => state })),
      1,
      link,
    )
    first.add(
      source('b', () => ({ start() {}, snapshotState: () => undefined })),
      1,
      link,
    )
    const states = first.snapshotState(1)
    expect(Object.keys(states)).toEqual(['a'])

    const restored: unknown[] = []
    const second = host(structuredClone(states))
    for (const uid of ['a', 'b']) {
      const node = source(uid, (_context, given) => {
        restored.push(given)
        return { start() {}, snapshotState: () => given }
      })
      second.add(node, 1, link)
    }
    expect(restored).toEqual([state, undefined])
  })

  it('refuses an assignment to a subtask that is not there', () => {
    const one = host()
    one.add(
      source('a', (context) => ({
        start: () => context.assignSplits(2, ['x']),
        snapshotState: () => null,
      })),
      2,
      link,
    )
    return expect(one.start()).rejects.toThrow('source "a" has no subtask 2')
  })

  it('closes all, also when one of them fails (R21)', async () => {
    const one = host()
    for (const uid of ['a', 'b']) {
      const node = source(uid, () => ({
        start() {},
        snapshotState: () => null,
        close: () => {
          log.push(`close ${uid}`)
          if (uid === 'a') throw new Error('a does not close')
        },
      }))
      one.add(node, 1, link)
    }
    await expect(one.close()).rejects.toThrow('a does not close')
    expect(log).toEqual(['close a', 'close b'])
  })

  it('hands on what readers tell, in order, once all have started (R31)', async () => {
    const one = host()
    const made = (uid: string) =>
      source(uid, () => ({
        start: () => void log.push(`${uid} starts`),
        handleReaderEvent: (subtask, event) => log.push(`${uid}: ${subtask} ${String(event)}`),
        snapshotState: () => null,
      }))
    const tell = (uid: string, subtask: number, event: unknown) =>
      one.readerEvent(uid, subtask, encodeValue(event, 'test'))
    one.add(made('a'), 2, link)
    one.add(made('b'), 2, link)
    tell('b', 1, 'early')
    tell('a', 0, 'early')
    await one.start()
    tell('b', 1, 'later')
    expect(log).toEqual(['a starts', 'b starts', 'b: 1 early', 'a: 0 early', 'b: 1 later'])
  })
})
