import { beforeEach, describe, expect, test } from 'vitest'
import type { WatermarkStatus } from '../../../runtime/element.ts'
import type { NodeRuntime } from '../../../runtime/task/chain-node.ts'
import type { Subtask } from '../../../runtime/task/subtask.ts'
import { FakeChannel, FakeTimers, operatorNode, setOperator } from './fakes.ts'
import { subtaskOf } from './subtask-kit.ts'
import type { ManualClock } from '../../../testing/manual-clock.ts'

/** An operator that generates watermarks, as the test says. */
class Generator {
  readonly openMs: number[] = []
  watermark = -Infinity
  status: WatermarkStatus = 'active'

  attach(node: NodeRuntime): void {
    setOperator(node, {
      onTick: (openMs) => {
        this.openMs.push(openMs)
        return this.watermark
      },
      watermarkStatus: () => this.status,
      processWatermark: (watermark) => (watermark === Infinity ? watermark : -Infinity),
    })
  }
}

describe('an operator that generates watermarks', () => {
  let channel: FakeChannel
  let generator: Generator
  let subtask: Subtask
  let clock: ManualClock
  let turn: () => void

  beforeEach(() => {
    channel = new FakeChannel()
    generator = new Generator()
  })

  const start = (nodes: readonly NodeRuntime[], inputs = 1): void => {
    const kit = subtaskOf(nodes, { inputs })
    subtask = kit.subtask
    clock = kit.clock
    subtask.start()
    turn = () => {
      subtask.tick()
      subtask.run(kit.clock.elapsed(), 10)
    }
  }

  test.each(['head', 'child'] as const)(
    'as a %s has its own status and time, whatever its input does (semantics 2.6)',
    (place) => {
      const head = operatorNode('head', place === 'head' ? { channel } : {})
      const nodes = [head]
      if (place === 'child')
        nodes.push(operatorNode('child', { parent: head, chain: nodes, channel }))
      generator.attach(nodes.at(-1)!)
      start(nodes)
      subtask.receiveWatermark(0, 50)
      subtask.receiveStatus(0, 'idle')
      turn()
      expect(channel.sent).toEqual([])
      generator.watermark = 7
      turn()
      expect(channel.sent).toEqual(['watermark 7'])
    },
  )

  test('sends IDLE behind its last watermark and ACTIVE before the next (R11)', () => {
    const head = operatorNode('head', { channel })
    generator.attach(head)
    start([head])
    generator.watermark = 7
    generator.status = 'idle'
    turn()
    turn()
    generator.watermark = 9
    generator.status = 'active'
    turn()
    expect(channel.sent).toEqual(['watermark 7', 'idle', 'active', 'watermark 9'])
  })

  test('passes its status through the chain behind it', () => {
    const head = operatorNode('head')
    const nodes = [head]
    nodes.push(operatorNode('behind', { parent: head, chain: nodes, channel }))
    generator.attach(head)
    start(nodes)
    generator.status = 'idle'
    turn()
    expect(channel.sent).toEqual(['idle'])
  })

  test('is told how long it could have had records: not under back-pressure (semantics 2.6, R11)', () => {
    const head = operatorNode('head', { channel })
    generator.attach(head)
    start([head])
    clock.advance(200)
    turn()
    clock.advance(50)
    channel.ready = false
    turn()
    clock.advance(60_000)
    turn()
    channel.ready = true
    turn()
    clock.advance(200)
    turn()
    expect(generator.openMs).toEqual([200, 50, 200])
  })

  test('is told how long it could have had records: not while barriers are aligned (R11)', () => {
    const head = operatorNode('head', { channel })
    generator.attach(head)
    start([head], 2)
    subtask.receiveBarrier(0, { checkpointId: 1, baseId: 0, kind: 'checkpoint' })
    turn()
    clock.advance(60_000)
    turn()
    subtask.receiveBarrier(1, { checkpointId: 1, baseId: 0, kind: 'checkpoint' })
    turn()
    clock.advance(200)
    turn()
    expect(generator.openMs).toEqual([0, 0, 0, 200])
  })

  test('sends a watermark right behind its record, and drops one that is not above the last (semantics 2.6)', () => {
    const head = operatorNode('head')
    const nodes = [head]
    nodes.push(operatorNode('behind', { parent: head, chain: nodes, channel }))
    generator.attach(head)
    start(nodes)
    const marks = subtask.chain.time.watermarkOutput(head)
    setOperator(nodes[1]!, {
      processElement: (value, timestamp) =>
        nodes[1]!.outputs.get(undefined)!.emit(value, timestamp),
    })
    setOperator(head, {
      processElement: (value, timestamp) => {
        head.outputs.get(undefined)!.emit(value, timestamp)
        marks.emitWatermark(timestamp)
      },
    })
    for (const [value, timestamp] of [
      ['a', 5],
      ['b', 4],
      ['c', 6],
    ] as const) {
      subtask.receive(0, value, timestamp)
    }
    expect(channel.sent).toEqual([['a', 5], 'watermark 5', ['b', 4], ['c', 6], 'watermark 6'])
    expect(nodes[1]!.watermark).toBe(6)
  })

  test('sends it in order also while timers of a node before it are being fired (semantics 2.6)', () => {
    const timers = new FakeTimers()
    const head = operatorNode('head', { timers })
    const nodes = [head]
    nodes.push(operatorNode('marks', { parent: head, chain: nodes }))
    nodes.push(operatorNode('behind', { parent: nodes[1]!, chain: nodes, channel }))
    for (const at of [1, 2, 3]) timers.register('event', at)
    start(nodes)
    const [, marking, behind] = nodes as [NodeRuntime, NodeRuntime, NodeRuntime]
    const output = subtask.chain.time.watermarkOutput(marking)
    setOperator(head, {
      onEventTime: (timestamp) =>
        head.outputs.get(undefined)!.emit(`timer ${timestamp}`, timestamp),
    })
    setOperator(marking, {
      processElement: (value, timestamp) => {
        marking.outputs.get(undefined)!.emit(value, timestamp)
        output.emitWatermark(timestamp)
      },
      processWatermark: () => -Infinity,
    })
    setOperator(behind, {
      processElement: (value, timestamp) => behind.outputs.get(undefined)!.emit(value, timestamp),
    })
    subtask.receiveWatermark(0, 10)
    expect(channel.sent).toEqual([
      ['timer 1', 1],
      'watermark 1',
      ['timer 2', 2],
      'watermark 2',
      ['timer 3', 3],
      'watermark 3',
    ])
  })

  test('sends ACTIVE ahead of what ends idleness, once (semantics 2.6)', () => {
    const head = operatorNode('head', { channel })
    generator.attach(head)
    start([head])
    generator.status = 'idle'
    turn()
    const output = subtask.chain.time.watermarkOutput(head)
    output.markActive()
    output.markActive()
    expect(channel.sent).toEqual(['idle', 'active'])
  })
})
