import { parseArgs } from 'node:util'
import { ByteReader, ByteWriter } from '../runtime/bytes.ts'
import { BatchDecoder } from '../runtime/channel/batch-decoder.ts'
import { BatchEncoder } from '../runtime/channel/batch-encoder.ts'
import { readValue, writeValue } from '../runtime/value-codec.ts'
import { eventOf } from './nexmark/generator.ts'

export const codecHelp = `codec [--records 262144] [--rounds 7]
  Nanoseconds a record to put records of several kinds into batches of 32 KiB and to take them out again, with generated code
  and without, and the same for the value codec one by one; best of the rounds. Behind it the share of the records that generated
  code has written.`

const BATCH_BYTES = 32 * 1_024
const KINDS = 4_096
const AT_ONCE = 256

const card = (i: number): string => String(4_000_000_000_000_000_000n + BigInt((i % 1_000) * 7_919))

const kinds: Record<string, (i: number) => unknown> = {
  'four numbers': (i) => ({ seq: i, ts: 1_371_816_865 + i, amt: i * 1.25, lat: 40.5 + i / 1_000 }),
  'four numbers, card, two short strings': (i) => ({
    ...{ seq: i, ts: 1_371_816_865 + i, cc_num: card(i), amt: i * 1.25, lat: 40.5 + i / 1_000 },
    ...{ merchant: 'Kirlin', category: 'travel' },
  }),
  'the same, not Latin-1': (i) => ({
    ...{ seq: i, ts: 1_371_816_865 + i, cc_num: card(i), amt: i * 1.25, lat: 40.5 + i / 1_000 },
    ...{ merchant: '日本語', category: 'travel' },
  }),
  'three types in turn': (i) =>
    [
      { type: 'a', x: i },
      { type: 'b', name: 'abc', y: i },
      { type: 'c', ok: true, z: i },
    ][i % 3],
  'the events of Nexmark, of three types': eventOf,
  'nested, Date, bigint': (i) => ({
    id: i,
    pos: { lat: i, lon: i / 2 },
    at: new Date(i),
    n: BigInt(i),
  }),
  'an array in a field': (i) => ({ id: i, tags: ['a', 'b', i], v: i / 2 }),
  'tuples (no shape)': (i) => [card(i), i],
}

interface Cost {
  readonly encodeNs: number
  readonly decodeNs: number
  /** The share of the records that generated code has written, the first of each shape counted with the others. */
  readonly generated: number
}

export async function codecBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      records: { type: 'string', default: '262144' },
      rounds: { type: 'string', default: '7' },
    },
  })
  const count = Number(values.records)
  const rounds = Number(values.rounds)
  const results: Record<string, Record<string, Cost>> = {}
  for (const [name, make] of Object.entries(kinds)) {
    const records = Array.from({ length: KINDS }, (_, i) => make(i))
    results[name] = {
      generated: best(rounds, () => inBatches(records, count, true)),
      plain: best(rounds, () => inBatches(records, count, false)),
      'value codec': best(rounds, () => oneByOne(records, Math.min(count, 65_536))),
    }
    const share = (results[name]!.generated!.generated * 100).toFixed(2)
    const row = Object.entries(results[name]!).map(
      ([path, { encodeNs, decodeNs }]) => `${path} ${encodeNs}+${decodeNs}`,
    )
    console.log(`${name.padEnd(40)} ${row.join(' · ')} ns · ${share} %`)
  }
  console.log(JSON.stringify({ bench: 'codec', results }))
}

/** Channels of their own for every round, so that shapes are announced and code is generated each time. */
function inBatches(records: readonly unknown[], count: number, generates: boolean): Cost {
  const encoder = new BatchEncoder({ generates })
  const decoder = new BatchDecoder({ generates })
  let returned: ArrayBuffer | undefined
  let encodeMs = 0
  let decodeMs = 0
  for (let i = 0; i < count;) {
    const start = performance.now()
    for (; i < count && encoder.byteLength < BATCH_BYTES; i++) encoder.append(records[i % KINDS], i)
    const bytes = encoder.finish(returned)
    const between = performance.now()
    decoder.load(bytes)
    while (decoder.next() !== 'done');
    returned = bytes.buffer
    encodeMs += between - start
    decodeMs += performance.now() - between
  }
  return costOf(encodeMs, decodeMs, count, encoder.paths.generated)
}

/** Value behind value in one buffer, as state is written, `AT_ONCE` at a time. */
function oneByOne(records: readonly unknown[], count: number): Cost {
  const writer = new ByteWriter()
  let encodeMs = 0
  let decodeMs = 0
  for (let i = 0; i < count; i += AT_ONCE) {
    const start = performance.now()
    writer.length = 0
    for (let j = i; j < i + AT_ONCE; j++) writeValue(writer, records[j % KINDS], 'record')
    const between = performance.now()
    const reader = new ByteReader(writer.bytes, 0, writer.length)
    while (reader.left > 0) readValue(reader)
    encodeMs += between - start
    decodeMs += performance.now() - between
  }
  return costOf(encodeMs, decodeMs, count, 0)
}

function costOf(encodeMs: number, decodeMs: number, count: number, generated: number): Cost {
  const perRecord = (ms: number): number => Math.round((ms * 1e6) / count)
  const share = generated / count
  return { encodeNs: perRecord(encodeMs), decodeNs: perRecord(decodeMs), generated: share }
}

function best(rounds: number, run: () => Cost): Cost {
  let cost = run()
  for (let round = 1; round < rounds; round++) {
    const { encodeNs, decodeNs } = run()
    cost = {
      ...cost,
      encodeNs: Math.min(cost.encodeNs, encodeNs),
      decodeNs: Math.min(cost.decodeNs, decodeNs),
    }
  }
  return cost
}
