import { beforeEach, describe, expect, test } from 'vitest'
import type { WatermarkStatus } from '../../../runtime/element.ts'
import type { NodeRuntime } from '../../../runtime/task/chain-node.ts'
import type { Subtask } from '../../../runtime/task/subtask.ts'
import { FakeChannel, operatorNode, setOperator } from './fakes.ts'
import { subtaskOf } from './subtask-kit.ts'

/** An operator that generates watermarks, as the test says. */
class Generator {
  watermark = -Infinity
  status: WatermarkStatus = 'active'

  attach(node: NodeRuntime): void {
    setOperator(node, {
      onTick: () => this.watermark,
      watermarkStatus: () => this.status,
      processWatermark: (watermark) => (watermark === Infinity ? watermark : -Infinity),
    })
  }
}

describe('an operator that generates watermarks', () => {
  let channel: FakeChannel
  let generator: Generator
  let subtask: Subtask
  let turn: () => void

  beforeEach(() => {
    channel = new FakeChannel()
    generator = new Generator()
  })

  const start = (nodes: readonly NodeRuntime[]): void => {
    const kit = subtaskOf(nodes)
    subtask = kit.subtask
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
})
