import { describe, expect, it } from 'vitest'
import { type CheckpointBarrier, MAX_TIMESTAMP, MIN_TIMESTAMP } from '../../../runtime/element.ts'
import { InputGate } from '../../../runtime/task/input-gate.ts'

function barrier(checkpointId: number): CheckpointBarrier {
  return { checkpointId, baseId: checkpointId - 1, kind: 'checkpoint' }
}

describe('InputGate', () => {
  it('hands a barrier on when all inputs have delivered it, and blocks those that have until then (R6)', () => {
    const gate = new InputGate(2, MIN_TIMESTAMP)
    expect(gate.barrier(0, barrier(1))).toBeUndefined()
    expect([gate.aligner.isBlocked(0), gate.aligner.isBlocked(1)]).toEqual([true, false])
    expect(gate.barrier(1, barrier(1))).toEqual(barrier(1))
    expect(gate.aligner.isBlocked(0)).toBe(false)
  })

  it('counts the end of an input as its barrier (R9)', () => {
    const gate = new InputGate(2, MIN_TIMESTAMP)
    gate.barrier(0, barrier(1))
    expect(gate.endOfInput(1)).toEqual(barrier(1))
    expect(gate.endOfInput(1)).toBeUndefined()
    expect(gate.hasEnded).toBe(false)
    expect(gate.barrier(0, barrier(2))).toEqual(barrier(2))
    expect(gate.endOfInput(0)).toBeUndefined()
    expect(gate.hasEnded).toBe(true)
  })

  it('has read first when each input has said so or has ended', () => {
    const gate = new InputGate(2, MIN_TIMESTAMP)
    gate.endOfReadFirst(0)
    gate.endOfReadFirst(0)
    expect(gate.hasReadFirst).toBe(false)
    gate.endOfInput(0)
    expect(gate.hasReadFirst).toBe(false)
    gate.endOfInput(1)
    expect(gate.hasReadFirst).toBe(true)
  })

  it('starts at the restored watermark and does not fall below it (R12)', () => {
    const gate = new InputGate(2, 50)
    expect(gate.valve.watermark).toBe(50)
    gate.watermark(0, 40)
    gate.watermark(1, 45)
    expect(gate.valve.watermark).toBe(50)
    gate.watermark(0, 60)
    gate.watermark(1, 55)
    expect(gate.valve.watermark).toBe(55)
  })

  it('does not run to the final watermark of one input while others are idle', () => {
    const gate = new InputGate(2, MIN_TIMESTAMP)
    gate.watermark(0, 10)
    gate.watermark(1, 20)
    gate.status(1, 'idle')
    gate.watermark(0, MAX_TIMESTAMP)
    expect([gate.valve.watermark, gate.valve.status]).toEqual([20, 'idle'])
    gate.endOfInput(0)
    gate.status(1, 'active')
    gate.watermark(1, 30)
    expect(gate.valve.watermark).toBe(30)
    gate.watermark(1, MAX_TIMESTAMP)
    gate.endOfInput(1)
    expect([gate.valve.watermark, gate.hasEnded]).toEqual([MAX_TIMESTAMP, true])
  })
})
