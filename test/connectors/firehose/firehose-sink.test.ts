import { beforeEach, describe, expect, it } from 'vitest'
import { bytes } from '../../../connectors/bytes-format.ts'
import { csv } from '../../../connectors/csv-format.ts'
import { firehoseSink, firehoseSinkOn } from '../../../connectors/firehose/firehose-sink.ts'
import type { FirehoseSinkOptions } from '../../../connectors/firehose/firehose-sink-options.ts'
import { json } from '../../../connectors/json-format.ts'
import { string } from '../../../connectors/string-format.ts'
import { sinkContract } from '../../contract/sink.ts'
import { FakePutService } from '../aws/fake-put-service.ts'
import { PutRun } from '../aws/put-run.ts'

let service: FakePutService
beforeEach(() => {
  service = new FakePutService()
})

const startOf = <V>(options: Omit<FirehoseSinkOptions<V>, 'deliveryStream'>) =>
  PutRun.start(firehoseSinkOn<V>(() => service, { deliveryStream: 'out', ...options }))

sinkContract({
  name: 'firehoseSink on a fake',
  guarantee: 'at-least-once',
  open: async () => {
    const place = new FakePutService()
    return {
      create: () => firehoseSinkOn<unknown>(() => place, { deliveryStream: 'out', value: json() }),
      read: async () => place.texts.map((text) => text.slice(0, -1)),
    }
  },
})

describe('firehoseSink', () => {
  it.each([
    { deliveryStream: 'a/b' },
    { deliveryStream: undefined as never },
    { delimiter: 5 as never },
    { stream: 'out' } as never,
  ])('refuses %o where the job is built', (wrong) => {
    const given: FirehoseSinkOptions<string> = { deliveryStream: 'out', value: string() }
    const make = () => firehoseSink({ ...given, ...(wrong as Partial<typeof given>) })
    expect(make).toThrow(expect.objectContaining({ code: 'MR_SINK_INVALID' }) as Error)
    expect(make).toThrow(Object.keys(wrong)[0]!)
  })

  it('ends each record of a text format with a line end', async () => {
    const run = await startOf({ value: json<object>() })
    run.write({ a: 1 })
    await run.cut()
    await run.close()
    const rows = await startOf({ value: csv({ columns: { a: 'number' } }) })
    rows.write({ a: 2 })
    await rows.cut()
    await rows.close()
    const texts = await startOf({ value: string() })
    texts.write('b')
    await texts.cut()
    await texts.close()
    expect(service.texts).toEqual(['{"a":1}\n', '2\n', 'b\n'])
  })

  it('puts nothing between records of other formats, and what it is given', async () => {
    const run = await startOf({ value: bytes() })
    run.write(Buffer.from('a'))
    await run.cut()
    await run.close()
    const texts = await startOf({ value: string(), delimiter: '\r\n' })
    texts.write('b')
    await texts.cut()
    await texts.close()
    const bare = await startOf({ value: string(), delimiter: '' })
    bare.write('c')
    await bare.cut()
    await bare.close()
    expect(service.texts).toEqual(['a', 'b\r\n', 'c'])
  })

  it('stops for a record above 1,000 KiB, its delimiter counted', async () => {
    const run = await startOf({ value: string() })
    run.write('x'.repeat(1_024_000 - 1))
    expect(() => run.write('x'.repeat(1_024_000))).toThrow(
      expect.objectContaining({
        code: 'MR_AWS_RECORD_TOO_LARGE',
        fields: { operator: 'sink', bytes: 1_024_001, limit: 1_024_000 },
      }) as Error,
    )
    await run.cut()
    expect(service.requests).toEqual([1])
    await run.close()
  })
})
