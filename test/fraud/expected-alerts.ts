/**
 * What the fraud job must put out, computed another way: plain arrays over the whole input, nothing of the engine, and
 * each rule written straight from its definition rather than incrementally.
 */

/** One transaction, as the definition of the rules sees it. */
export interface PlainTransaction {
  readonly seq: number
  readonly ts: number
  readonly card: string
  readonly cents: number
  readonly lat: number
  readonly long: number
}

/** Reads the card file: its only quoting is around merchants, which the rules do not look at. */
export function parseTransactions(text: string): PlainTransaction[] {
  const lines = text.split('\n').filter((line) => line !== '')
  const names = lines[0]!.split(',')
  const column = (name: string): number => names.indexOf(name)
  const [seq, ts, card, amt] = ['seq', 'ts', 'cc_num', 'amt'].map(column) as [
    number,
    number,
    number,
    number,
  ]
  const [lat, long] = ['merch_lat', 'merch_long'].map(column) as [number, number]
  return lines.slice(1).map((line) => {
    // A quoted merchant may hold commas: what it says does not matter, only that it is one field.
    const fields = line.replace(/"[^"]*"/g, 'quoted').split(',')
    return {
      seq: Number(fields[seq]),
      ts: Number(fields[ts]),
      card: fields[card]!,
      cents: Math.round(Number(fields[amt]) * 100),
      lat: Number(fields[lat]),
      long: Number(fields[long]),
    }
  })
}

/** All alerts of all rules as JSON lines, sorted: a multiset. */
export function expectedAlerts(transactions: readonly PlainTransaction[]): string[] {
  const byCard = new Map<string, PlainTransaction[]>()
  for (const one of transactions) {
    const list = byCard.get(one.card)
    if (list === undefined) byCard.set(one.card, [one])
    else list.push(one)
  }
  const rows: object[] = []
  for (const [card, list] of byCard) {
    rows.push(...velocity(card, list), ...impossibleTravel(card, list))
    rows.push(...hourlySum(card, list), ...smallThenLarge(card, list))
  }
  return rows.map((row) => JSON.stringify(row)).sort()
}

function velocity(card: string, list: readonly PlainTransaction[]): object[] {
  return list.flatMap((one, index) => {
    let count = 0
    // Everything that has arrived up to and including it, back to the first that can matter in a file sorted within 5 s.
    for (let i = index; i >= 0 && list[i]!.ts >= one.ts - 1_800 - 60; i--) {
      if (list[i]!.ts >= one.ts - 1_800 && list[i]!.ts <= one.ts) count++
    }
    return count >= 4 ? [{ rule: 'velocity', seq: one.seq, card, count }] : []
  })
}

function impossibleTravel(card: string, list: readonly PlainTransaction[]): object[] {
  return list.flatMap((one, index) => {
    const before = list[index - 1]
    if (before === undefined) return []
    const seconds = one.ts - before.ts
    const km = haversineKm(before, one)
    if (seconds < 0 || seconds > 600 || km <= 100.5) return []
    return [{ rule: 'impossible-travel', seq: one.seq, card, seconds, km: Math.round(km) }]
  })
}

function haversineKm(a: PlainTransaction, b: PlainTransaction): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180
  const latitude = Math.sin(radians(b.lat - a.lat) / 2) ** 2
  const longitude = Math.sin(radians(b.long - a.long) / 2) ** 2
  const half = latitude + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * longitude
  return 2 * 6_371 * Math.asin(Math.sqrt(half))
}

function hourlySum(card: string, list: readonly PlainTransaction[]): object[] {
  const hours = new Map<number, { count: number; cents: number }>()
  for (const one of list) {
    const windowStart = Math.floor(one.ts / 3_600) * 3_600
    const sum = hours.get(windowStart) ?? { count: 0, cents: 0 }
    hours.set(windowStart, { count: sum.count + 1, cents: sum.cents + one.cents })
  }
  return [...hours]
    .filter(([, sum]) => sum.cents > 200_000)
    .map(([windowStart, sum]) => ({ rule: 'hourly-sum', card, windowStart, ...sum }))
}

function smallThenLarge(card: string, list: readonly PlainTransaction[]): object[] {
  const rows: object[] = []
  let small: PlainTransaction | undefined
  for (const one of list) {
    if (small !== undefined && one.cents > 10_000 && within(small, one, 3_600)) {
      rows.push({
        rule: 'small-then-large',
        seq: one.seq,
        smallSeq: small.seq,
        card,
        cents: one.cents,
      })
      small = undefined
    }
    if (one.cents < 500) small = one
  }
  return rows
}

function within(from: PlainTransaction, to: PlainTransaction, seconds: number): boolean {
  return to.ts - from.ts >= 0 && to.ts - from.ts <= seconds
}
