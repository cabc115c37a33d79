import { describe, expect, expectTypeOf, it } from 'vitest'
import { json, type Source, string } from 'millrace'
import { kinesisSource, type KinesisSourceOptions } from 'millrace/aws'

const make = (options: object) =>
  kinesisSource({ stream: 'clicks', value: string(), ...options } as KinesisSourceOptions<string>)

describe('options of kinesisSource()', () => {
  it.each([
    [{ stream: '' }, 'stream is'],
    [{ stream: 'with blank' }, 'stream is "with blank"'],
    [{ stream: 'arn:aws:s3:::bucket' }, 'the name of a stream, or its ARN'],
    [{ value: undefined }, 'value is undefined'],
    [{ record: 'x' }, 'record is "x"'],
    [
      { start: 'now' },
      'start is "now" (string), so no records can be read; give "latest", "earliest" or',
    ],
    [{ start: { timestamp: -1 } }, 'start is an object'],
    [{ start: { timestamp: 1, offset: 2 } }, 'start is an object'],
    [{ end: 'earliest' }, 'end is "earliest"'],
    [{ onError: 'ignore' }, 'onError is "ignore"'],
    [{ whenPositionGone: 'latest' }, 'whenPositionGone is "latest"'],
    [{ fetchMaxRecords: 10_001 }, 'fetchMaxRecords is 10001'],
    [{ fetchMaxRecords: 0 }, 'fetchMaxRecords is 0'],
    [{ bufferBytes: 1.5 }, 'bufferBytes is 1.5'],
    [{ consumer: 'with blank' }, 'consumer is "with blank"'],
    [{ consumerAtEnd: 'drop' }, 'consumerAtEnd is "drop"'],
    [{ region: 'Frankfurt!' }, 'region is "Frankfurt!"'],
    [{ streams: ['a'] }, 'has the option "streams", which there is not'],
  ])('refuses %o', (options, message) => {
    expect(() => make(options)).toThrow(
      expect.objectContaining({
        code: 'MR_SOURCE_INVALID',
        message: expect.stringContaining(message) as string,
      }) as Error,
    )
  })

  it('takes names and ARNs, and ends where it is told to', () => {
    const arn = 'arn:aws:kinesis:eu-central-1:123456789012:stream/clicks'
    expect(make({ stream: arn }).boundedness).toBe('unbounded')
    expect(make({ end: 'latest' }).boundedness).toBe('bounded')
    expect(make({}).identity).toEqual({ stream: 'clicks', ends: 'never' })
  })

  it('has records of the type of its values, or of what record makes', () => {
    const values = kinesisSource({ stream: 's', value: json<{ n: number }>() })
    expectTypeOf(values).toExtend<Source<{ n: number }>>()
    const made = kinesisSource({
      stream: 's',
      value: json<{ n: number }>(),
      record: ({ value, arrival }) => [value.n, arrival] as const,
    })
    expectTypeOf(made).toExtend<Source<readonly [number, number]>>()
  })
})
