import { describe, expect, it } from 'vitest'
import { RestartableError, StreamError } from '../../../runtime/errors.ts'
import { describeFailure, extendFailure } from '../../../runtime/task/failure-context.ts'
import { showValue } from '../../../runtime/show-value.ts'
import { operatorNode, setOperator } from './fakes.ts'

describe('describeFailure', () => {
  const node = operatorNode('counts')

  it('makes a restartable error of anything thrown, with operator, record and time (R39)', () => {
    const cause = new TypeError('x is undefined')
    const error = describeFailure(cause, node, { value: { card: '1' }, timestamp: 7 })
    expect(error).toBeInstanceOf(RestartableError)
    expect(error.code).toBe('MR_FUNCTION_FAILED')
    expect(error.message).toMatch(
      /^Operator "counts", record { card: '1' } at 7: .*TypeError: x is undefined/,
    )
    expect(error.fields).toMatchObject({
      operator: 'counts',
      timestamp: 7,
      record: "{ card: '1' }",
    })
    expect(error.cause).toBe(cause)
  })

  it('tells of anything thrown on one line, and of a callback that it is not done', () => {
    const told = (thrown: unknown) =>
      describeFailure(thrown, node, { what: 'open()', timestamp: -Infinity }).message
    expect(told(new Error('no\n  socket\r\n'))).toBe(
      'Operator "counts", open(): the function threw Error: no socket; what it had to do is not done; mend the function.',
    )
    for (const [thrown, text] of [
      ['text', 'text'],
      [null, 'null'],
      [Symbol('s'), 'Symbol(s)'],
      [Object.create(null), 'something of type object'],
    ] as const) {
      expect(told(thrown)).toContain(`the function threw ${text};`)
    }
  })

  it('keeps code and class of a coded error', () => {
    const mistake = new StreamError('MR_KEY_INVALID', 'the key is NaN', { key: 'NaN' })
    const error = describeFailure(mistake, node, { value: 1, timestamp: 7 })
    expect(error).not.toBeInstanceOf(RestartableError)
    expect(error.code).toBe('MR_KEY_INVALID')
    expect(error.fields).toMatchObject({ key: 'NaN', operator: 'counts' })
    expect(error.stack).toBe(mistake.stack)
  })

  it('names the operator once, where the error names it by itself (R39)', () => {
    const named = (operator: string) =>
      new StreamError('MR_TIMER_INVALID', `Operator "${operator}": no such time`)
    const work = { value: 1, timestamp: 7 }
    expect(describeFailure(named('counts'), node, work).message).toBe(
      'Operator "counts", record 1 at 7: no such time',
    )
    expect(describeFailure(named('other'), node, work).message).toBe(
      'Operator "counts", record 1 at 7: Operator "other": no such time',
    )
  })

  it('names the innermost operator only (R39)', () => {
    const inner = describeFailure(new Error('no'), node, { value: 1, timestamp: 7 })
    const outer = describeFailure(inner, operatorNode('outer'), { value: 2, timestamp: 8 })
    expect(outer).toBe(inner)
    const extended = extendFailure(inner, 'subtask 1', { subtaskIndex: 1, operator: 'source' })
    expect(extended.fields).toMatchObject({ operator: 'counts', subtaskIndex: 1 })
    expect(extended.message).toBe(`${inner.message} (subtask 1)`)
    expect(extended).toBeInstanceOf(RestartableError)
    expect(describeFailure(extended, operatorNode('outer'), { value: 2, timestamp: 8 })).toBe(
      extended,
    )
  })

  it('names a timer, or what the operator says it is working on (R39)', () => {
    const timer = { what: 'event-time timer', timestamp: 9 }
    expect(describeFailure(new Error('no'), node, timer).message).toContain(
      'Operator "counts", event-time timer at 9:',
    )
    const windows = operatorNode('windows')
    setOperator(windows, { describeCurrent: () => 'window [0, 10)' })
    expect(describeFailure(new Error('no'), windows, timer).message).toContain(
      'Operator "windows", window [0, 10) at 9:',
    )
  })

  it('names the operator of a failure that nobody described', () => {
    const error = extendFailure(new Error('socket closed'), '', { operator: 'lines' })
    expect(error.message).toContain('Operator "lines": ')
    expect(error.code).toBe('MR_FUNCTION_FAILED')
  })
})

describe('showValue', () => {
  it('shows a value on one line, at most 200 characters (R39)', () => {
    expect(showValue({ a: [1, { b: 'x' }] })).toBe("{ a: [ 1, { b: 'x' } ] }")
    const long = showValue(Array.from({ length: 10 }, () => 'y'.repeat(200)))
    expect(long).toHaveLength(201)
    expect(long).not.toContain('\n')
  })

  it('survives values that cannot be shown', () => {
    const hostile = {
      get a(): never {
        throw new Error('no')
      },
      [Symbol.for('nodejs.util.inspect.custom')]: () => {
        throw new Error('no')
      },
    }
    expect(showValue(hostile)).toBe('a object')
  })
})
