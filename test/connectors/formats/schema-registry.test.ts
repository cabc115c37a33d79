import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { avro, type AvroFormatOptions } from '../../../connectors/formats/avro-format.ts'
import {
  createRegistry,
  schemaRegistry,
  type SchemaRegistry,
  type SchemaRegistryOptions,
} from '../../../connectors/formats/schema-registry.ts'
import {
  messageIndexBytes,
  readMessageIndexes,
  withHeader,
} from '../../../connectors/formats/wire-format.ts'
import { BadMessageError, type MessageReader } from '../../../connectors/message-format.ts'
import { SeededRandom, SystemClock } from '../../../runtime/clock.ts'
import { VALUE } from '../messages.ts'
import { FakeRegistry } from './fake-registry.ts'

/** A clock on which waits before further tries take no time; `waits` has how long they were to be. */
class HastyClock extends SystemClock {
  readonly waits: number[] = []

  override schedule(delayMs: number, callback: () => void): () => void {
    if (delayMs >= 5_000) return super.schedule(delayMs, callback)
    this.waits.push(delayMs)
    return super.schedule(delayMs > 0 && delayMs < 60 ? delayMs : 0, callback)
  }
}

const order = {
  type: 'record',
  name: 'shop.Order',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'note', type: 'string', default: '' },
  ],
}

let fake: FakeRegistry
let clock: HastyClock

beforeEach(async () => {
  fake = await FakeRegistry.start()
  clock = new HastyClock()
})

afterEach(() => fake.stop())

function connect(options: Partial<SchemaRegistryOptions> = {}): SchemaRegistry {
  return createRegistry({ url: fake.url, ...options }, clock, new SeededRandom(1))
}

async function write(options: AvroFormatOptions, value: unknown, part: 'key' | 'value' = 'value') {
  const writer = avro(options).createMessageWriter({ topic: 'orders', part })
  await writer.open?.()
  return writer.write(value)
}

async function read(reader: MessageReader<unknown>, bytes: Buffer): Promise<unknown> {
  await reader.prepare?.(bytes)
  return reader.read(bytes)
}

describe('avro with a schema registry', () => {
  it('writes a zero byte, the id of the schema and the value, and reads that', async () => {
    fake.add('other', 'int', {}, 300)
    const registry = connect()
    const bytes = await write({ registry, schema: order, autoRegister: true }, { id: 5, note: 'é' })
    expect(bytes.toString('hex')).toBe('00000000020a04c3a9')
    const reader = avro({ registry: connect() }).createMessageReader(VALUE)
    expect(await read(reader, bytes)).toEqual({ id: 5, note: 'é' })
    expect(fake.requests).toEqual(['POST /subjects/orders-value/versions', 'GET /schemas/ids/2'])
  })

  it.each([
    ['topic', 'value', 'orders-value'],
    ['topic', 'key', 'orders-key'],
    ['record', 'value', 'shop.Order'],
    ['topic-record', 'value', 'orders-shop.Order'],
  ] as const)(
    'looks for its schema under the subject of %s (%s): %s',
    async (subjects, part, subject) => {
      const id = fake.add(subject, order)
      const bytes = await write({ registry: connect({ subjects }), schema: order }, { id: 1 }, part)
      expect(bytes.readInt32BE(1)).toBe(id)
      expect(fake.requests).toEqual([`POST /subjects/${subject}`])
    },
  )

  it('writes with the newest schema of the subject where it has none of its own', async () => {
    fake.add('orders-value', 'int')
    const id = fake.add('orders-value', order)
    const bytes = await write({ registry: connect() }, { id: 1, note: 'a' })
    expect(bytes.toString('hex')).toBe(`000000000${id}020261`)
    expect(fake.requests).toEqual(['GET /subjects/orders-value/versions/latest'])
  })

  it('reads each message from the schema that it was written with', async () => {
    const older = { ...order, fields: [{ name: 'id', type: 'int' }] }
    const first = fake.add('orders-value', older)
    const second = fake.add('orders-value', order)
    const reader = avro({
      registry: connect(),
      schema: order,
      longs: 'bigint',
    }).createMessageReader(VALUE)
    for (let i = 0; i < 3; i++) {
      expect(await read(reader, message(first, '0a'))).toEqual({ id: 5n, note: '' })
      expect(await read(reader, message(second, '0a0261'))).toEqual({ id: 5n, note: 'a' })
    }
    expect(fake.requests).toEqual(['GET /schemas/ids/1', 'GET /schemas/ids/2'])
  })

  it('does not write where the newest schema is of another language', async () => {
    fake.add('orders-value', '{}', { schemaType: 'JSON' })
    const error = await failure(write({ registry: connect() }, { id: 1 }))
    expect(error).toMatchObject({ code: 'MR_SCHEMA_NOT_FOUND', fields: { topic: 'orders' } })
    expect(error.message).toContain('as schema 1 is of JSON, not of Avro')
  })

  it('reads schemas that refer to others', async () => {
    const money = { type: 'record', name: 'Money', fields: [{ name: 'unit', type: 'Unit' }] }
    fake.add('unit', { type: 'enum', name: 'Unit', symbols: ['EUR'] })
    fake.add('money', money, { references: [{ name: 'Unit', subject: 'unit', version: 1 }] })
    const price = { type: 'record', name: 'Price', fields: [{ name: 'm', type: 'Money' }] }
    const references = [
      { name: 'Money', subject: 'money', version: 1 },
      { name: 'Unit', subject: 'unit', version: 1 },
    ]
    const id = fake.add('prices-value', price, { references })
    const reader = avro({ registry: connect() }).createMessageReader(VALUE)
    expect(await read(reader, message(id, '00'))).toEqual({ m: { unit: 'EUR' } })
    expect(fake.requests.length).toBe(3)
  })

  it('asks once for a schema that many messages need at the same time, and never again', async () => {
    const id = fake.add('orders-value', order)
    const registry = connect()
    const readers = [1, 2, 3].map(() => avro({ registry }).createMessageReader(VALUE))
    const bytes = message(id, '0a0261')
    const waits = readers.flatMap((reader) => [1, 2].map(() => reader.prepare!(bytes)))
    expect(waits.every((wait) => wait instanceof Promise)).toBe(true)
    await Promise.all(waits)
    expect(fake.requests.length).toBe(1)
    expect(readers.map((reader) => reader.prepare!(bytes))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    await Promise.all([1, 2].map(() => write({ registry, schema: order }, { id: 1 })))
    expect(fake.requests.length).toBe(2)
  })

  it.each<[string, (id: number) => Buffer, string]>([
    [
      'a first byte that is not 0',
      () => Buffer.from('0100000001', 'hex'),
      'does not begin with a zero byte',
    ],
    ['no room for an id', () => Buffer.from('000000', 'hex'), 'does not begin with a zero byte'],
    [
      'an id that nobody knows',
      () => message(99, '0a00'),
      'schema 99, which the schema registry at http',
    ],
    ['a body of another schema', (id) => message(id, '0a02'), 'is not what its Avro schema says'],
    ['a schema of another language', () => message(50, '00'), 'schema 50 is of JSON, not of Avro'],
    ['a schema that is none', () => message(51, '00'), 'schema 51 is no Avro schema'],
    [
      'a schema that cannot be resolved',
      () => message(52, '00'),
      'schema 52 cannot be read as the schema of the job',
    ],
  ])('takes a message for bad with %s', async (_, make, problem) => {
    const id = fake.add('orders-value', order)
    fake.add('a', '{}', { schemaType: 'JSON' }, 50)
    fake.add('b', '{"type":"nothing"}', {}, 51)
    fake.add('c', 'string', {}, 52)
    const reader = avro({ registry: connect(), schema: order }).createMessageReader(VALUE)
    for (let i = 0; i < 2; i++) {
      const thrown = await read(reader, make(id)).catch((error: unknown) => error)
      expect(thrown).toBeInstanceOf(BadMessageError)
      expect((thrown as BadMessageError).problem).toContain(problem)
    }
    expect(fake.requests.length).toBeLessThanOrEqual(1)
  })
})

describe('a schema registry', () => {
  it('is asked again while it fails, with growing waits of chance', async () => {
    fake.add('orders-value', order)
    fake.faults.push(
      'reset',
      { status: 500, body: 'oh' },
      { status: 503, body: '' },
      { status: 429, body: '' },
    )
    expect((await write({ registry: connect(), schema: order }, { id: 1 })).length).toBe(7)
    expect(fake.requests.length).toBe(5)
    const waits = clock.waits
    expect(waits.length).toBe(4)
    waits.forEach((wait, i) => expect(wait).toBeLessThanOrEqual(100 * 2 ** i))
    expect(new Set(waits).size).toBe(4)
  })

  it('fails, to be restarted, when it cannot be reached: which, how often, how long, why', async () => {
    const registry = connect({ tries: 3, auth: { username: 'a', password: 'secret' } })
    await fake.stop()
    const error = await failure(write({ registry, schema: order }, { id: 1 }))
    expect(error).toMatchObject({ name: 'RestartableError', code: 'MR_REGISTRY_UNREACHABLE' })
    expect(error.message).toContain(
      `The schema registry at ${fake.url} could not be asked for /subjects/orders-value: 3 tries`,
    )
    expect(error.message).toMatch(/within \d+ ms failed, the last with .*ECONNREFUSED/)
    expect(error.message).not.toContain('secret')
    fake = await FakeRegistry.start()
  })

  it('fails when it does not answer in time, and what failed is not remembered', async () => {
    fake.add('orders-value', order)
    fake.faults.push('silence', 'silence')
    const registry = connect({ tries: 2, timeout: 50 })
    const error = await failure(write({ registry, schema: order }, { id: 1 }))
    expect(error).toMatchObject({ code: 'MR_REGISTRY_UNREACHABLE' })
    expect(error.message).toContain('no answer within 50 ms')
    expect((await write({ registry, schema: order }, { id: 1 })).length).toBe(7)
  })

  it.each([
    [{ auth: { username: 'alice', password: 'p:w' } }, `Basic ${btoa('alice:p:w')}`],
    [{ auth: { token: 'abc' } }, 'Bearer abc'],
    [{ headers: { authorization: 'Custom x' } }, 'Custom x'],
  ])('is given credentials: %j', async (options, authorization) => {
    fake.add('orders-value', order)
    fake.authorization = authorization
    await write({ registry: connect(options), schema: order }, { id: 1 })
    const error = await failure(write({ registry: connect(), schema: order }, { id: 1 }))
    expect(error).toMatchObject({
      name: 'StreamError',
      code: 'MR_REGISTRY_DENIED',
      fields: { status: 401 },
    })
    expect(fake.requests.length).toBe(2)
  })

  it('says why a schema is incompatible', async () => {
    fake.incompatible =
      'Schema being registered is incompatible: READER_FIELD_MISSING_DEFAULT_VALUE id'
    const error = await failure(
      write({ registry: connect(), schema: order, autoRegister: true }, { id: 1 }),
    )
    expect(error).toMatchObject({
      code: 'MR_SCHEMA_INCOMPATIBLE',
      fields: { subject: 'orders-value' },
    })
    expect(error.message).toContain('READER_FIELD_MISSING_DEFAULT_VALUE')
  })

  it('registers nothing unless it is told to', async () => {
    const error = await failure(write({ registry: connect(), schema: order }, { id: 1 }))
    expect(error).toMatchObject({ code: 'MR_SCHEMA_NOT_FOUND' })
    expect(error.message).toContain('autoRegister: true')
    expect(await failure(write({ registry: connect() }, { id: 1 }))).toMatchObject({
      code: 'MR_SCHEMA_NOT_FOUND',
    })
  })

  it.each([
    [404, '<html>Not here</html>'],
    [200, '<html>Welcome</html>'],
    [301, ''],
    [200, '{}'],
    [200, '[]'],
    [422, '{"error_code":42201,"message":"Invalid schema"}'],
  ])('is not taken for one when it answers %i %s', async (status, body) => {
    fake.faults.push({ status, body })
    const error = await failure(write({ registry: connect(), schema: order }, { id: 1 }))
    expect(error).toMatchObject({ name: 'StreamError', code: 'MR_REGISTRY_FAILED' })
    expect(fake.requests.length).toBe(1)
  })

  it.each([
    [{ url: 'registry:8081' }, 'url is "registry:8081"'],
    [{ url: 'http://u:secret@registry' }, 'url has a name or password in it'],
    [{ url: undefined }, 'url is undefined'],
    [{ url: 'http://r', auth: { user: 'a' } }, 'auth has neither'],
    [{ url: 'http://r', tries: 0 }, 'tries is 0'],
    [{ url: 'http://r', subjects: 'name' }, 'subjects is "name"'],
    [{ url: 'http://r', retries: 5 }, 'retries'],
  ])('is refused with the options %j', (options, problem) => {
    let error: Error | undefined
    try {
      schemaRegistry(options as never)
    } catch (thrown) {
      error = thrown as Error
    }
    expect(error).toMatchObject({
      code: 'MR_FORMAT_INVALID',
      message: expect.stringContaining(problem),
    })
    expect(error!.message).not.toContain('secret')
  })

  it('does not follow to another place, which would get the credentials', async () => {
    fake.add('orders-value', order)
    fake.faults.push({ status: 307, body: '', location: `${fake.url}/subjects/orders-value` })
    const registry = connect({ auth: { token: 'abc' } })
    const error = await failure(write({ registry, schema: order }, { id: 1 }))
    expect(error).toMatchObject({ code: 'MR_REGISTRY_FAILED', fields: { status: 307 } })
    expect(fake.requests.length).toBe(1)
  })

  it('keeps the path of its URL, and a path that leads elsewhere is told', async () => {
    fake.add('orders-value', order)
    const registry = connect({ url: `${fake.url}/proxy/` })
    const unknown = await failure(write({ registry, schema: order }, { id: 1 }))
    expect(unknown).toMatchObject({ code: 'MR_REGISTRY_FAILED' })
    expect(fake.requests[0]).toBe('POST /proxy/subjects/orders-value')
    const error = await failure(registry.client.schemaById(1))
    expect(error).toMatchObject({ code: 'MR_REGISTRY_FAILED' })
  })
})

describe('the indexes of a message', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 10_000 }), { minLength: 1, maxLength: 5 }), (path) => {
        const bytes = withHeader(1, messageIndexBytes(path), Buffer.from('body'))
        expect(readMessageIndexes(bytes)).toEqual({ path, end: bytes.length - 4 })
      }),
    )
    expect(messageIndexBytes([0]).toString('hex')).toBe('00')
    expect(messageIndexBytes([1, 0]).toString('hex')).toBe('040200')
    expect(readMessageIndexes(Buffer.from('00000000010200', 'hex'))).toEqual({ path: [0], end: 7 })
  })

  it('are undefined where they are damaged', () => {
    for (const hex of ['', '80', '01', '0401', '06', 'ffffffffff', 'fe7f']) {
      expect(readMessageIndexes(Buffer.from(`0000000001${hex}`, 'hex'))).toBeUndefined()
    }
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void readMessageIndexes(Buffer.from(bytes))))
  })
})

function message(id: number, body: string): Buffer {
  return withHeader(id, Buffer.alloc(0), Buffer.from(body, 'hex'))
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: Error) => error,
  )
}
