import { beforeEach, describe, expect, it } from 'vitest'
import type { Sink, SinkContext } from '../../../runtime/sink.ts'
import type { PendingCommit } from '../../../runtime/checkpoint/pending-commits.ts'
import { SinkDriver } from '../../../runtime/task/sink-driver.ts'
import { SlotRoom } from '../../../runtime/task/slot-room.ts'

/** A sink whose cuts and commits the test completes by hand. */
class HandSink implements Sink<unknown, string> {
  readonly kind = 'hand'
  readonly guarantee = 'exactly-once'
  readonly log: string[] = []
  readonly cuts: { resolve: (made: readonly string[]) => void; reject: (error: Error) => void }[] =
    []
  commitWorks: () => Promise<void> = () => Promise.resolve()

  isReady = true

  createWriter() {
    const isReady = (): boolean => this.isReady
    return {
      get isReady() {
        return isReady()
      },
      open: () => {
        this.log.push('open')
      },
      write: (value: unknown) => {
        this.log.push(`write ${String(value)}`)
      },
      prepareCommit: (checkpointId: number) => {
        this.log.push(`cut ${checkpointId}`)
        return new Promise<readonly string[]>((resolve, reject) => {
          this.cuts.push({ resolve, reject })
        })
      },
      close: () => {
        this.log.push('close')
      },
    }
  }

  createCommitter() {
    return {
      commit: async (committables: readonly string[]) => {
        this.log.push(`commit ${committables.join()}`)
        await this.commitWorks()
      },
    }
  }
}

describe('SinkDriver', () => {
  let sink: HandSink
  let points: string[]

  beforeEach(() => {
    sink = new HandSink()
    points = []
  })

  function driver(restored: readonly PendingCommit[] = []): SinkDriver {
    return new SinkDriver(
      sink,
      {} as SinkContext,
      restored,
      (name) => points.push(name),
      new SlotRoom(),
    )
  }

  it('tells of a writer that has become full with a record, and of every cut, so that nobody need ask before each record (R6, R7)', () => {
    const room = new SlotRoom()
    room.begin()
    const full = new SinkDriver(sink, {} as SinkContext, [], () => {}, room)
    let { epoch } = room
    full.processElement(1, 1)
    expect(room.epoch).toBe(epoch)
    sink.isReady = false
    full.processElement(2, 2)
    expect(room.epoch).not.toBe(epoch)
    epoch = room.epoch
    void full.prepareCommit(1, 0)
    expect(room.epoch).not.toBe(epoch)
  })

  it('commits nothing before it is told to, then all up to that checkpoint, in order (R33)', async () => {
    const one = driver()
    const first = one.prepareCommit(1, 0)
    const second = one.prepareCommit(2, 1)
    sink.cuts[1]!.resolve(['b'])
    sink.cuts[0]!.resolve(['a'])
    expect(await first).toEqual([{ checkpointId: 1, committables: ['a'] }])
    expect((await second).map(({ checkpointId }) => checkpointId)).toEqual([1, 2])
    expect(sink.log).toEqual(['cut 1', 'cut 2'])
    await one.commitUpTo(1)
    expect(sink.log.slice(2)).toEqual(['commit a'])
    await one.commitUpTo(1)
    await one.commitUpTo(2)
    expect(sink.log.slice(2)).toEqual(['commit a', 'commit b'])
    expect(points).toEqual(['before-commit', 'after-commit', 'before-commit', 'after-commit'])
  })

  it('carries what an aborted checkpoint had cut into the next one (R24, R33)', async () => {
    const one = driver()
    const aborted = one.prepareCommit(1, 0)
    const next = one.prepareCommit(2, 0)
    sink.cuts[1]!.resolve(['b'])
    let isDone = false
    void next.then(() => (isDone = true))
    await Promise.resolve()
    expect(isDone).toBe(false)
    sink.cuts[0]!.resolve(['a'])
    await aborted
    expect((await next).flatMap(({ committables }) => committables)).toEqual(['a', 'b'])
  })

  it('keeps what is pending in every checkpoint until it is committed', async () => {
    const one = driver()
    const first = one.prepareCommit(1, 0)
    sink.cuts[0]!.resolve(['a'])
    await first
    sink.commitWorks = () => Promise.reject(new Error('broker gone'))
    await expect(one.commitUpTo(1)).rejects.toThrow('broker gone')
    const second = one.prepareCommit(2, 1)
    sink.cuts[1]!.resolve([])
    expect(await second).toEqual([{ checkpointId: 1, committables: ['a'] }])
    sink.commitWorks = () => Promise.resolve()
    await one.commitUpTo(2)
    expect(sink.log.filter((line) => line === 'commit a')).toHaveLength(2)
  })

  it('commits what the checkpoint had pending before the writer opens (R33)', async () => {
    const one = driver([
      { checkpointId: 4, committables: ['y'] },
      { checkpointId: 3, committables: ['x'] },
    ])
    await one.open()
    expect(sink.log).toEqual(['commit x', 'commit y', 'open'])
  })

  it('fails every later cut when one failed: its output is lost', async () => {
    const one = driver()
    const first = one.prepareCommit(1, 0)
    const second = one.prepareCommit(2, 0)
    sink.cuts[1]!.resolve(['b'])
    sink.cuts[0]!.reject(new Error('disk full'))
    await expect(first).rejects.toThrow('disk full')
    await expect(second).rejects.toThrow('disk full')
  })

  it('makes nothing pending of an empty cut', async () => {
    const one = driver()
    const first = one.prepareCommit(1, 0)
    sink.cuts[0]!.resolve([])
    expect(await first).toEqual([])
    await one.commitUpTo(1)
    expect(points).toEqual([])
  })

  it('closes after the commit that is under way', async () => {
    const one = driver([{ checkpointId: 1, committables: ['a'] }])
    let finish: () => void = () => {}
    sink.commitWorks = () => new Promise((resolve) => (finish = resolve))
    const commit = one.commitUpTo(1)
    const close = one.close()
    await Promise.resolve()
    expect(sink.log).toEqual(['commit a'])
    finish()
    await Promise.all([commit, close])
    expect(sink.log).toEqual(['commit a', 'close'])
  })
})
