import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonFailure, jsonFinished, jsonLines } from '../../cli/json-output.ts'
import { StreamError, toErrorData } from '../../runtime/errors.ts'
import type { JobEvent } from '../../runtime/job/job-events.ts'
import { checkpoint, eventTime, progress, result, stalled, started } from './fake-host.ts'

function parse(text: string): Record<string, unknown>[] {
  expect(text === '' || text.endsWith('\n')).toBe(true)
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

const error = toErrorData(
  new StreamError(
    'MR_BAD_RECORD',
    'Line 3.',
    { line: 3n, at: Infinity },
    new TypeError('not a number'),
  ),
)

describe('jsonLines', () => {
  it('explains event time with the progress, instead of the figures', () => {
    const [line] = parse(jsonLines({ ...progress(100), eventTime }))
    expect(line!['eventTime']).toEqual([
      expect.objectContaining({
        operator: 'hourly',
        watermark: '-Infinity',
        reason: { kind: 'no-strategy' },
        text: expect.stringContaining('"hourly" has no event time'),
      }),
    ])
  })

  it.each<JobEvent>([
    started({ notes: ['a note'] }),
    { type: 'running', attempt: 1 },
    progress(100),
    checkpoint(3),
    { type: 'checkpoint-failed', checkpointId: 4, error },
    { type: 'log', uid: 'velocity', subtaskIndex: 1, line: 'hello' },
    { type: 'note', message: 'a note' },
    { type: 'restarting', attempt: 2, delayMs: 1_000, error },
    stalled(),
    { type: 'event-time-resumed', operators: ['hourly'], watermark: 5, stoodMs: 12_000 },
    { type: 'stopping' },
    { type: 'draining' },
  ])('writes one line with the type of each event: $type', (event) => {
    const [line, ...others] = parse(jsonLines(event))
    expect(others).toEqual([])
    expect(line).toMatchObject({ type: event.type })
  })

  it('keeps what a checkpoint is', () => {
    expect(parse(jsonLines(checkpoint(3)))).toEqual([checkpoint(3)])
  })

  it('writes a line for each line that a print sink wrote, whatever is in it', () => {
    const line = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\n'))
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), (lines) => {
        const text = lines.map((one) => `${one}\n`).join('')
        expect(parse(jsonLines({ type: 'print', uid: 'out', lines: text }))).toEqual(
          lines.map((one) => ({ type: 'print', uid: 'out', line: one })),
        )
      }),
    )
  })

  it('leaves the end to whoever knows how the run has settled', () => {
    expect(jsonLines({ type: 'error', error })).toBe('')
    expect(jsonLines({ type: 'finished', ...result() })).toBe('')
  })

  it('writes what JSON has no notation for as text', () => {
    const [line] = parse(jsonLines({ ...progress(1), watermark: -Infinity }))
    expect(line!['watermark']).toBe('-Infinity')
  })
})

describe('jsonFinished', () => {
  it('tells status, last checkpoint and metrics', () => {
    const { status, lastCheckpoint, metrics } = result()
    expect(parse(jsonFinished(result()))).toEqual([
      { type: 'finished', status, lastCheckpoint, metrics },
    ])
  })
})

describe('jsonFailure', () => {
  it('tells code, message, fields and causes', () => {
    expect(parse(jsonFailure(error))).toEqual([
      {
        type: 'error',
        code: 'MR_BAD_RECORD',
        name: 'StreamError',
        message: 'Line 3.',
        fields: { line: '3', at: 'Infinity' },
        cause: { name: 'TypeError', message: 'not a number', fields: {} },
      },
    ])
  })
})
