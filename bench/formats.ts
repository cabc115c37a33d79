import { create, createFileRegistry, fromBinary, type Message, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import avsc from 'avsc'
import { parseArgs } from 'node:util'
import { avro } from '../connectors/formats/avro-format.ts'
import { protobuf } from '../connectors/formats/protobuf-format.ts'
import { csv } from '../connectors/csv-format.ts'
import { json } from '../connectors/json-format.ts'
import type { MessageFormat } from '../connectors/message-format.ts'
import { cpuNs } from './cpu-time.ts'
import { whole } from './option-values.ts'

export const formatsHelp = `formats [--messages 5000] [--rounds 101]
  Nanoseconds of CPU time to read and to write one message of each format: an order of ten fields, 200 bytes as JSON. Median of the
  rounds, which are short and take the formats in turn, as the speed of a machine changes. Beside it what the library alone takes for
  the same, and the ratio.`

const KINDS = 1_000

const columns = {
  id: 'number',
  card: 'string',
  amount: 'number',
  at: 'number',
  merchant: 'string',
  category: 'string',
  city: 'string',
  lat: 'number',
  lon: 'number',
  online: 'boolean',
} as const

const order = (i: number): Record<string, unknown> => ({
  id: 100_000 + i,
  card: String(4_000_000_000_000_000_000n + BigInt(i * 7_919)),
  amount: i * 1.25,
  at: 1_717_000_000_000 + i,
  merchant: 'Kirlin, Weissnat and Sons',
  category: 'grocery_pos',
  city: 'Springfield',
  lat: 40.5 + i / 1_000,
  lon: -70.25,
  online: i % 2 === 0,
})

/** Two ways to do the same: as the format does, and as the library that it stands on does. */
interface Way {
  readonly read: (bytes: Buffer) => unknown
  readonly write: (value: never) => Uint8Array
}

interface Contest {
  readonly values: readonly unknown[]
  readonly format: MessageFormat<never>
  readonly bare: Way | undefined
}

function contests(): Record<string, Contest> {
  const values = Array.from({ length: KINDS }, (_, i) => order(i))
  return {
    json: {
      values,
      format: json<never>(),
      bare: {
        read: (bytes) => JSON.parse(bytes.toString()) as unknown,
        write: (value) => Buffer.from(JSON.stringify(value)),
      },
    },
    csv: {
      values,
      format: csv({ columns }) as MessageFormat<unknown> as MessageFormat<never>,
      bare: undefined,
    },
    avro: avroContest(values),
    protobuf: protobufContest(values),
  }
}

function avroContest(values: readonly Record<string, unknown>[]): Contest {
  const types = { string: 'string', number: 'double', boolean: 'boolean' } as const
  const fields = Object.entries(columns).map(([name, type]) => ({ name, type: types[type] }))
  const schema = { type: 'record', name: 'Order', fields } as const
  const type = avsc.Type.forSchema(schema as unknown as avsc.Schema)
  const read = (bytes: Buffer): unknown => type.fromBuffer(bytes)
  const write = (value: never): Uint8Array => type.toBuffer(value)
  return { values, format: avro<never>({ schema }), bare: { read, write } }
}

function protobufContest(values: readonly Record<string, unknown>[]): Contest {
  const types = { string: 9, number: 1, boolean: 8 } as const
  const field = Object.entries(columns).map(([name, type], i) => {
    return { name, jsonName: name, number: i + 1, label: 1, type: types[type] }
  })
  const file = create(FileDescriptorProtoSchema, {
    ...{ name: 'order.proto', package: 'shop', syntax: 'proto3' },
    messageType: [{ name: 'Order', field }],
  } as never)
  const schema = createFileRegistry(file, () => undefined).getMessage('shop.Order')!
  return {
    values: values.map((value) => create(schema, value as never)),
    format: protobuf(schema) as MessageFormat<never>,
    bare: {
      read: (bytes) => fromBinary(schema, bytes),
      write: (value: Message) => toBinary(schema, value),
    } as Way,
  }
}

export async function formatsBench(args: string[]): Promise<void> {
  const { values: given } = parseArgs({
    args,
    options: {
      messages: { type: 'string', default: '5000' },
      rounds: { type: 'string', default: '101' },
    },
  })
  const messages = whole('--messages', given.messages)
  const rounds = whole('--rounds', given.rounds)
  const works = Object.entries(contests()).flatMap(([name, contest]) => worksOf(name, contest))
  const figures = new Map<string, number[]>(works.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const { name, work } of works) {
      const start = cpuNs()
      for (let i = 0; i < messages; i++) work(i % KINDS)
      figures.get(name)!.push((cpuNs() - start) / messages)
    }
  }
  const results: Record<string, Record<string, number>> = {}
  for (const name of figures.keys()) {
    if (name.startsWith('bare ')) continue
    const ns = median(figures.get(name)!)
    const alone = figures.get(`bare ${name}`)
    const bareNs = alone === undefined ? undefined : median(alone)
    results[name] = bareNs === undefined ? { ns } : { ns, bareNs, ratio: hundredths(ns / bareNs) }
    console.log(
      `${name.padEnd(16)} ${ns} ns${bareNs === undefined ? '' : `, library alone ${bareNs} ns`}`,
    )
  }
  console.log(JSON.stringify({ bench: 'formats', messages, rounds, results }))
}

function median(figures: readonly number[]): number {
  return Math.round(figures.toSorted((a, b) => a - b)[figures.length >> 1]!)
}

function hundredths(ratio: number): number {
  return Math.round(ratio * 100) / 100
}

interface Named {
  readonly name: string
  readonly work: (i: number) => unknown
}

function worksOf(name: string, { values, format, bare }: Contest): Named[] {
  const where = { topic: 'orders', part: 'value' } as const
  const reader = format.createMessageReader(where)
  const writer = format.createMessageWriter(where)
  const messages = values.map((value) => writer.write(value as never))
  const works = [
    { name: `${name} read`, work: (i: number) => reader.read(messages[i]!) as unknown },
    { name: `${name} write`, work: (i: number) => writer.write(values[i] as never) },
  ]
  if (bare === undefined) return works
  return [
    ...works,
    { name: `bare ${name} read`, work: (i) => bare.read(messages[i]!) },
    { name: `bare ${name} write`, work: (i) => bare.write(values[i] as never) },
  ]
}
