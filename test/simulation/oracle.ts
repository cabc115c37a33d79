import { bucketEnd, bucketRow, keyText } from './functions.ts'
import { type GraphDescription, keyOf, type KeyKind, type Step } from './random-graph.ts'
import type { Row } from './rows.ts'

/** What every sink of a graph must have got, computed with plain arrays, nothing of the engine. */
export function expectedRows(graph: GraphDescription): Map<string, readonly Row[]> {
  const streams: (readonly Row[])[] = []
  for (const step of graph.steps) {
    const isSide = step.kind.type === 'side' && step.kind.of === 'side'
    // Both halves come from what the operator reads.
    const from = isSide ? graph.steps[step.from]!.from : step.from
    streams.push(rowsOf(step, streams[from] ?? [], streams))
  }
  return new Map(graph.sinks.map(({ uid, from }) => [uid, streams[from]!]))
}

function rowsOf(
  { kind, uid }: Step,
  input: readonly Row[],
  streams: readonly (readonly Row[])[],
): readonly Row[] {
  switch (kind.type) {
    case 'source':
      return kind.options.splits.flat()
    case 'map':
      return input.map((row) => ({ ...row, n: row.n + kind.add }))
    case 'filter':
      return input.filter((row) => row.n % kind.mod !== 0)
    case 'flat-map':
      return input.flatMap(doubled)
    case 'union':
      return [...input, ...streams[kind.other]!]
    case 'spread':
      return input
    case 'connect':
      return [...input, ...streams[kind.other]!.map((row) => ({ ...row, n: row.n + 1 }))]
    case 'both':
      return bucketSums(uid, { size: kind.size, keyKind: 'key' }, [
        ...input,
        ...streams[kind.other]!,
      ])
    case 'side':
      return input.filter((row) => (row.n % 2 === 0) === (kind.of === 'main'))
    case 'flaky':
    case 'linger':
      return input
    case 'running':
      return runningSums(input)
    case 'buckets':
      return bucketSums(uid, kind, input)
  }
}

/** Every row, and a second one for some. */
export function doubled(row: Row): Row[] {
  return row.n % 3 === 0 ? [row, { ...row, id: `${row.id}b`, n: row.n + 1 }] : [row]
}

function runningSums(input: readonly Row[]): Row[] {
  const sums = new Map<string, number>()
  return input.map((row) => {
    const sum = (sums.get(row.key) ?? 0) + row.n
    sums.set(row.key, sum)
    return { ...row, n: sum }
  })
}

function bucketSums(
  uid: string,
  { size, keyKind }: { readonly size: number; readonly keyKind: KeyKind },
  input: readonly Row[],
): Row[] {
  const rows = new Map<string, Row>()
  for (const row of input) {
    const key = keyOf(keyKind, row)
    const end = bucketEnd(row.t, size)
    const name = `${keyText(key)}@${end}`
    rows.set(name, bucketRow(uid, key, end, (rows.get(name)?.n ?? 0) + row.n))
  }
  // Those of a key in the order of time, as timers fire.
  return [...rows.values()].sort((a, b) => a.t - b.t)
}
