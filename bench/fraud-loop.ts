/**
 * The floor of the fraud benchmark: the same work in a hand-written, single-threaded loop, with nothing of the engine.
 *
 * `node bench/fraud-loop.ts INPUT OUTPUT`: gunzip, the same CSV parser (Papa Parse), the four rules over plain maps, JSON
 * lines. Prints one line of JSON: rows, alerts, wall and CPU seconds from the first record to the last write.
 */
import { closeSync, createReadStream, fsyncSync, openSync, writeSync } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import Papa from 'papaparse'

interface Card {
  recent: number[]
  previousTs: number
  previousLat: number
  previousLong: number
  smallSeq: number
  smallTs: number
  hour: number
  count: number
  cents: number
}

const [input, output] = process.argv.slice(2) as [string, string]
const cards = new Map<string, Card>()
const file = openSync(output, 'w')
let buffered = ''
let rows = 0
let alerts = 0

const raise = (alert: object): void => {
  alerts++
  buffered += `${JSON.stringify(alert)}\n`
  if (buffered.length > 65_536) flush()
}

function flush(): void {
  writeSync(file, buffered)
  buffered = ''
}

function haversineKm(lat1: number, long1: number, lat2: number, long2: number): number {
  const radians = Math.PI / 180
  const h =
    Math.sin(((lat2 - lat1) * radians) / 2) ** 2 +
    Math.cos(lat1 * radians) *
      Math.cos(lat2 * radians) *
      Math.sin(((long2 - long1) * radians) / 2) ** 2
  return 2 * 6_371 * Math.asin(Math.sqrt(h))
}

function closeHour(id: string, card: Card): void {
  if (card.cents <= 200_000) return
  const { hour, count, cents } = card
  raise({ rule: 'hourly-sum', card: id, windowStart: hour, count, cents })
}

function transaction(row: readonly string[]): void {
  rows++
  const seq = Number(row[0])
  const ts = Number(row[1])
  const id = row[2]!
  const cents = Math.round(Number(row[3]) * 100)
  const lat = Number(row[8])
  const long = Number(row[9])
  let card = cards.get(id)
  if (card === undefined) {
    card = {
      recent: [],
      previousTs: -Infinity,
      previousLat: 0,
      previousLong: 0,
      smallSeq: -1,
      smallTs: -Infinity,
      hour: -1,
      count: 0,
      cents: 0,
    }
    cards.set(id, card)
  }
  const kept = card.recent.filter((time) => time >= ts - 1_800)
  kept.push(ts)
  card.recent = kept
  if (kept.length >= 4) raise({ rule: 'velocity', seq, card: id, count: kept.length })

  const seconds = ts - card.previousTs
  if (seconds <= 600) {
    const km = haversineKm(card.previousLat, card.previousLong, lat, long)
    if (km > 100.5) {
      raise({ rule: 'impossible-travel', seq, card: id, seconds, km: Math.round(km) })
    }
  }
  card.previousTs = ts
  card.previousLat = lat
  card.previousLong = long

  const hour = ts - (ts % 3_600)
  if (hour !== card.hour) {
    closeHour(id, card)
    card.hour = hour
    card.count = 0
    card.cents = 0
  }
  card.count++
  card.cents += cents

  if (cents > 10_000) {
    if (ts - card.smallTs <= 3_600) {
      raise({ rule: 'small-then-large', seq, smallSeq: card.smallSeq, card: id, cents })
      card.smallTs = -Infinity
    }
  } else if (cents < 500) {
    card.smallSeq = seq
    card.smallTs = ts
  }
}

const source = pipeline(
  createReadStream(input, { highWaterMark: 65_536 }),
  createGunzip({ chunkSize: 65_536 }),
  () => {},
)
let startedAt = 0
let cpuBefore = process.cpuUsage()
let rest = ''
let isHeader = true
let cursor = 0

function parse(text: string, isLast: boolean): void {
  cursor = 0
  const parser = new Papa.Parser({
    delimiter: ',',
    newline: '\n',
    step: (result: { data: string[][]; meta: { cursor: number } }) => {
      cursor = result.meta.cursor
      if (isHeader) isHeader = false
      else if (result.data[0]!.length > 1) transaction(result.data[0]!)
    },
  } as unknown as Papa.ParseConfig)
  parser.parse(text, 0, !isLast)
  rest = text.slice(cursor)
}

for await (const chunk of source as AsyncIterable<Buffer>) {
  if (startedAt === 0) {
    startedAt = performance.now()
    cpuBefore = process.cpuUsage()
  }
  parse(rest + chunk.toString('latin1'), false)
}
if (rest !== '') parse(rest, true)
for (const [id, card] of cards) closeHour(id, card)
flush()
fsyncSync(file)
closeSync(file)
const cpu = process.cpuUsage(cpuBefore)
console.log(
  JSON.stringify({
    rows,
    alerts,
    wallSeconds: (performance.now() - startedAt) / 1_000,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    peakMb: Math.round(process.resourceUsage().maxRSS / 1_024),
  }),
)
