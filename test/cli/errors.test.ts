import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { renderError, userFrames } from '../../cli/errors.ts'
import { StreamError, toErrorData } from '../../runtime/errors.ts'
import { coded } from './fake-host.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

function withStack<E extends Error>(error: E, ...frames: string[]): E {
  error.stack = [
    `${error.name}: ${error.message}`,
    ...frames.map((frame) => `    at ${frame}`),
  ].join('\n')
  return error
}

const ours = [
  `Subtask.take (file://${root}runtime/task/subtask.ts:10:5)`,
  `Map.processElement (${root}operators/map.ts:3:4)`,
  'async node:internal/modules/esm/loader:647:26',
  'Array.map (<anonymous>)',
  'run (file:///home/me/node_modules/piscina/dist/worker.js:1:1)',
]

describe('renderError', () => {
  it('shows code, message, what the message does not tell, causes, and the place in the user’s code', () => {
    const thrown = withStack(
      new TypeError('x is undefined\nand so on'),
      'toRow (file:///home/me/my%20jobs/job.ts:12:7)',
      ...ours,
      'file:///home/me/my%20jobs/lib/rows.ts:1:2',
    )
    const error = withStack(
      new StreamError(
        'MR_FUNCTION_FAILED',
        'map-1[1]: the function threw at line 3; the record is lost; mend it.',
        { line: 3, subtaskIndex: 12, record: { a: 1n }, list: [1, 'b'], nothing: undefined },
        thrown,
      ),
      ...ours,
    )
    expect(renderError(toErrorData(error))).toEqual([
      'error MR_FUNCTION_FAILED: map-1[1]: the function threw at line 3; the record is lost; mend it.',
      '  caused by TypeError: x is undefined',
      '  subtaskIndex: 12',
      '  record: {"a":"1"}',
      '  list: 1, b',
      '  in your code:',
      '    at toRow (/home/me/my jobs/job.ts:12:7)',
      '    at /home/me/my jobs/lib/rows.ts:1:2',
    ])
  })

  it('shows no stack of ours for a coded error', () => {
    const error = withStack(new StreamError('MR_INPUT_MISSING', 'cards.csv is missing.'), ...ours)
    expect(renderError(toErrorData(error))).toEqual([
      'error MR_INPUT_MISSING: cards.csv is missing.',
    ])
  })

  it('says that what nobody foresaw is a defect, and shows the stack to report', () => {
    const foreseen = withStack(new StreamError('MR_INTERNAL', 'Invariant broken.'), ...ours)
    for (const error of [foreseen, withStack(new RangeError('oops'), ...ours)]) {
      const lines = renderError(toErrorData(error))
      expect(lines).toContain('  This is a defect of millrace: report it with this stack.')
      expect(lines).toContain(`    at Subtask.take (${root}runtime/task/subtask.ts:10:5)`)
    }
  })

  it('does not repeat a cause that the message already holds', () => {
    const error = coded(
      'MR_OUTPUT_FAILED',
      'Cannot write: disk full.',
      {},
      withStack(new Error('disk full'), ...ours),
    )
    expect(renderError(toErrorData(error))).toEqual([
      'error MR_OUTPUT_FAILED: Cannot write: disk full.',
    ])
  })

  it('shows a text of data without its control characters, and not all of a long one', () => {
    const record = `\u001b[31m${'x'.repeat(500)}`
    const lines = renderError(toErrorData(coded('MR_BAD_RECORD', 'Bad.', { record })))
    expect(lines[1]).toMatch(/^ {2}record: x{100,250}…$/)
  })

  it('leaves out objects and lists of which the message tells every part', () => {
    const files = ['part-1', 'part-2']
    const fields = { positions: { cards: 'a.csv:3 (byte 40)' }, files, more: [...files, 'part-3'] }
    const message = 'At a.csv:3 (byte 40): part-1 and part-2 are there.'
    const error = coded('MR_OUTPUT_CONFLICT', message, fields)
    expect(renderError(toErrorData(error)).slice(1)).toEqual(['  more: part-1, part-2, part-3'])
  })

  it('leaves out a field that only a program can read', () => {
    const fields = {
      parameters: [{ name: 'a' }],
      large: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`field${i}`, i])),
      timestamp: -Infinity,
      known: ['a', 'b'],
    }
    const error = coded('MR_PARAMETER_INVALID', 'Unknown.', fields)
    expect(renderError(toErrorData(error))).toEqual([
      'error MR_PARAMETER_INVALID: Unknown.',
      '  known: a, b',
    ])
  })

  it('shows anything that can be thrown', () => {
    for (const thrown of ['text', undefined, null, Symbol('s'), { code: 3 }, Object.create(null)]) {
      expect(renderError(toErrorData(thrown))[0]).toMatch(/^error Error: ./)
    }
  })
})

describe('userFrames', () => {
  it('takes examples and tests of the checkout for the user’s code, and ten frames at most', () => {
    const frames = Array.from({ length: 20 }, (_, i) => `f${i} (${root}examples/demo.ts:${i}:1)`)
    const error = withStack(new Error('no'), ...ours, ...frames)
    expect(userFrames(toErrorData(error))).toHaveLength(10)
    expect(userFrames(toErrorData(error))[0]).toBe(`at f0 (${root}examples/demo.ts:0:1)`)
  })
})
