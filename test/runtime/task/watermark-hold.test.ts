import { describe, expect, it } from 'vitest'
import { MAX_TIMESTAMP } from '../../../runtime/element.ts'
import type { NodeRuntime } from '../../../runtime/task/chain-node.ts'
import type { Subtask } from '../../../runtime/task/subtask.ts'
import { operatorTime } from '../../../runtime/task/watermark-hold.ts'
import { FakeChannel, FakeTimers, operatorNode, setOperator } from './fakes.ts'
import { subtaskOf } from './subtask-kit.ts'

const barrier = { checkpointId: 1, baseId: 0, kind: 'checkpoint' } as const

const timeOf = (subtask: Subtask, index = 0) =>
  operatorTime(subtask.time, index, 3, (input) => ({
    input: input === 0 ? 1 : 2,
    operator: `from-${input}`,
    subtask: input,
  }))

/** Two operators that call each other, with two inputs; the first has timers. */
function chain() {
  const channel = new FakeChannel()
  const timers = new FakeTimers()
  const first = operatorNode('first', { timers })
  const nodes: NodeRuntime[] = [first]
  nodes.push(operatorNode('second', { parent: first, chain: nodes, channel }))
  for (const node of nodes) setOperator(node, {})
  const { subtask, clock } = subtaskOf(nodes, { inputs: 2, timersPerLook: 1 })
  subtask.start()
  return { channel, timers, nodes, subtask, clock }
}

describe('what holds back an operator', () => {
  it('is the lowest of its inputs that are active, and the one that calls it directly', () => {
    const { subtask } = chain()
    subtask.receiveWatermark(0, 10)
    subtask.receiveWatermark(1, 5)
    expect(timeOf(subtask).hold).toEqual({
      kind: 'input',
      input: 2,
      operator: 'from-1',
      subtask: 1,
      watermark: 5,
      blockedBy: undefined,
    })
    expect(timeOf(subtask, 1)).toMatchObject({
      forwarded: 5,
      hold: { kind: 'input', input: 'chain', operator: 'first', subtask: 3, watermark: 5 },
    })
    subtask.receiveStatus(1, 'idle')
    expect(timeOf(subtask).hold).toMatchObject({ operator: 'from-0', watermark: 10 })
    subtask.receiveStatus(0, 'idle')
    expect(timeOf(subtask)).toMatchObject({ status: 'idle', hold: { kind: 'idle' } })
  })

  it('is the wait for a barrier where that blocks its lowest input', () => {
    const { subtask } = chain()
    subtask.receiveWatermark(1, 5)
    subtask.receiveBarrier(0, barrier)
    expect(timeOf(subtask).hold).toMatchObject({ operator: 'from-0', blockedBy: 'barrier' })
    subtask.receiveBarrier(1, barrier)
    expect(timeOf(subtask).hold).toMatchObject({ operator: 'from-0', blockedBy: undefined })
  })

  it('is back-pressure where nothing can be taken, or a watermark not be carried on', () => {
    const { subtask, channel } = chain()
    channel.ready = false
    expect(timeOf(subtask).hold).toMatchObject({ kind: 'input', blockedBy: 'back-pressure' })
    subtask.receiveWatermark(0, 10)
    subtask.receiveWatermark(1, 10)
    expect(timeOf(subtask).hold).toEqual({ kind: 'back-pressure' })
  })

  it('is its timers while they are being fired (R13)', () => {
    const { subtask, timers, nodes, clock } = chain()
    for (const timestamp of [1, 2, 3]) timers.register('event', timestamp)
    timers.register('event', 99)
    expect(timeOf(subtask).hasTimers).toBe(true)
    // The deadline of the turn has passed: one timer is fired in each look.
    clock.advance(1)
    subtask.receiveWatermark(0, 10)
    subtask.receiveWatermark(1, 10)
    expect(timers.event.length).toBeGreaterThan(1)
    expect(timeOf(subtask).hold).toEqual({ kind: 'timers', upTo: 10 })
    expect(timeOf(subtask, 1).hold).toMatchObject({ input: 'chain', operator: 'first' })
    while (timers.event.length > 1) subtask.run(clock.elapsed(), 10)
    subtask.run(clock.elapsed(), 10)
    expect(timeOf(subtask).hold.kind).toBe('input')
    expect(timeOf(subtask).hasTimers).toBe(true)
    expect([nodes[0]!.forwarded, timeOf(subtask, 1).hasTimers]).toEqual([10, false])
  })

  it('is its own generator where it has one, whatever its input says', () => {
    const { subtask, nodes } = chain()
    setOperator(nodes[0]!, { onTick: () => 7 })
    expect(timeOf(subtask).hold).toEqual({ kind: 'generator', silentMs: 0 })
  })

  it('is nothing at the end of its input, but what it has not done with is told', () => {
    const { subtask, nodes, clock } = chain()
    setOperator(nodes[1]!, { holdsBack: true })
    expect(timeOf(subtask, 1).holdsBack).toBe(true)
    setOperator(nodes[1]!, {})
    for (const input of [0, 1]) subtask.receiveWatermark(input, MAX_TIMESTAMP)
    expect(timeOf(subtask).hold).toEqual({ kind: 'ended' })
    for (const input of [0, 1]) subtask.receiveEndOfInput(input)
    subtask.run(clock.elapsed(), 10)
    expect(subtask.isFinished).toBe(true)
    expect(timeOf(subtask, 1)).toMatchObject({ holdsBack: false, hold: { kind: 'ended' } })
  })
})
