import { beforeEach, describe, expect, it } from 'vitest'
import { DirectChannel } from '../../../runtime/channel/direct-channel.ts'
import { MIN_TIMESTAMP } from '../../../runtime/element.ts'
import type { Sink, SinkContext, SinkWriter } from '../../../runtime/sink.ts'
import type { PollResult, ReaderOutput, SourceReader } from '../../../runtime/source.ts'
import type { KeyedStateBackend } from '../../../runtime/state/state-backend.ts'
import type { NodeRuntime } from '../../../runtime/task/chain-node.ts'
import { SinkDriver } from '../../../runtime/task/sink-driver.ts'
import { SourceDriver } from '../../../runtime/task/source-driver.ts'
import type { Subtask } from '../../../runtime/task/subtask.ts'
import { FakeChannel, FakeTimers, operatorNode, ROOM, setOperator } from './fakes.ts'
import { subtaskOf } from './subtask-kit.ts'

/** Emits numbers for ever, or to an end. */
class Numbers implements SourceReader<number, string> {
  output!: ReaderOutput<number>
  limit = Infinity
  next = 0

  open(output: ReaderOutput<number>): void {
    this.output = output
  }

  addSplits(): void {}
  noMoreSplits(): void {}

  poll(maxRecords: number): PollResult {
    for (let taken = 0; taken < maxRecords; taken++) {
      if (this.next >= this.limit) return 'end'
      if (!this.output.split('a').emit(this.next++)) break
    }
    return 'more'
  }

  snapshotState(): readonly string[] {
    return []
  }

  describePosition(): string {
    return `record ${this.next - 1}`
  }
}

/** A direct channel whose records all have one key. */
class OneKey extends DirectChannel {
  override emit(value: unknown, timestamp: number): void {
    this.emitKeyed(value, timestamp, 'k', 0)
  }
}

let reader: Numbers

beforeEach(() => {
  reader = new Numbers()
})

/** A source in front of a subtask of the same slot. */
async function sourceBefore(channel: DirectChannel): Promise<Subtask> {
  const node = operatorNode('source', { channel })
  const { subtask, clock } = subtaskOf([node], { inputs: 0 })
  const source = new SourceDriver({
    strategy: undefined,
    clock,
    output: node.outputs.get(undefined)!,
    mayEmit: () => subtask.mayTakeInput(),
    restored: undefined,
    restoredWatermark: MIN_TIMESTAMP,
    isBounded: true,
    onActive: () => {},
    onWatermark: () => {},
    warn: () => {},
    describe: (error) => error as Error,
  })
  node.body = { kind: 'source', source }
  await source.open(reader)
  subtask.start()
  return subtask
}

function forwarding(node: NodeRuntime): void {
  setOperator(node, {
    processElement: (value, timestamp) => node.outputs.get(undefined)!.emit(value, timestamp),
  })
}

describe('A source asks before each record, and', () => {
  it('emits no more once a sink behind it has no room left (R6, R7)', async () => {
    const written: unknown[] = []
    const writer = {
      isReady: true,
      write(value: unknown) {
        written.push(value)
        this.isReady = false
      },
    }
    const map = operatorNode('map')
    forwarding(map)
    const sink = operatorNode('sink', { parent: map, chain: [map] })
    const driver = new SinkDriver(
      {
        createWriter: () => writer as unknown as SinkWriter<unknown, unknown>,
      } as unknown as Sink<unknown>,
      {} as SinkContext,
      [],
      () => {},
      ROOM,
    )
    sink.body = { kind: 'sink', sink: driver }
    const target = subtaskOf([map, sink]).subtask
    target.start()
    const source = await sourceBefore(new DirectChannel(target, 0, false))
    source.run(Infinity, 64)
    expect(written).toEqual([0])
    writer.isReady = true
    source.run(Infinity, 64)
    expect(written).toEqual([0, 1])
  })

  it('emits no more once the state behind it is over its limit (R6, R22)', async () => {
    const seen: unknown[] = []
    const node = operatorNode('node')
    const backend = {
      isSuspended: false,
      currentKey: 'k',
      setCurrentKey: () => {},
      clearCurrent: () => {},
    }
    setOperator(node, {
      processElement: (value) => {
        seen.push(value)
        backend.isSuspended = seen.length % 3 === 0
      },
    })
    const target = subtaskOf([node], { backend: backend as unknown as KeyedStateBackend }).subtask
    target.start()
    const source = await sourceBefore(new OneKey(target, 0, false))
    source.run(Infinity, 64)
    expect(seen).toEqual([0, 1, 2])
    backend.isSuspended = false
    source.run(Infinity, 64)
    expect(seen).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('fires no timer once a watermark has filled the channel before it (R7, R13)', async () => {
    /** Full after a watermark. */
    class Narrow extends FakeChannel {
      override watermark(timestamp: number): void {
        super.watermark(timestamp)
        this.ready = false
      }
    }
    const fired: number[] = []
    const channel = new Narrow()
    const first = operatorNode('first', { channel })
    const second = operatorNode('second', { timers: new FakeTimers() })
    for (const timestamp of [1, 2]) second.timers!.register('event', timestamp)
    setOperator(second, { onEventTime: (timestamp) => fired.push(timestamp) })
    const target = subtaskOf([first, second]).subtask
    target.start()
    reader.limit = 1
    const source = await sourceBefore(new DirectChannel(target, 0, false))
    while (source.run(Infinity, 64));
    target.run(Infinity, 64)
    expect(fired).toEqual([])
    channel.ready = true
    while (target.run(Infinity, 64));
    expect(fired).toEqual([1, 2])
  })
})
