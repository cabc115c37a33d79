import type { Out } from '../../../operators/collector.ts'
import { outputTag } from '../../../operators/output-tag.ts'
import type { Random } from '../../../runtime/clock.ts'
import { below, pick } from '../../simulation/rows.ts'
import { type Event, keyText } from '../event.ts'
import type { OracleOperator, Row } from '../oracle-operator.ts'
import { randomSpan, type RandomStream } from '../random-stream.ts'

interface Params {
  readonly lower: number
  readonly upper: number
  readonly isLowerExclusive: boolean
  readonly isUpperExclusive: boolean
}

/** Most pairs that a case may have: they are what it costs. */
const MAX_PAIRS = 20_000

const LATE = outputTag<Event>('late')

/** Pairs within an interval, each emitted when its later record arrives; late records to a side output (semantics 2.15). */
export const intervalJoin: OracleOperator<Params> = {
  name: 'interval-join',
  inputs: 2,
  certainties: ['exact', 'in-time', 'loose'],
  isOrdered: false,

  draw(random: Random, stream: RandomStream) {
    let widthMs = pick(random, [0, 1, 1, 1]) * randomSpan(random, stream, stream.spanMs)
    const center = pick(random, [0, 0, 1, -1]) * below(random, 2 * widthMs + 2)
    while (widthMs > 0 && pairsAtMost(stream, center, widthMs) > MAX_PAIRS) widthMs >>= 1
    const isLowerExclusive = widthMs >= 2 && below(random, 3) === 0
    const isUpperExclusive = widthMs >= 2 && below(random, 3) === 0
    // Marks can then be where records are over exactly.
    const lower = Math.round((center - Math.floor(widthMs / 2)) / stream.unitMs) * stream.unitMs
    return { lower, upper: lower + widthMs, isLowerExclusive, isUpperExclusive }
  },

  build({ first, second, keyOf }, params, options) {
    let joined = first
      .keyBy(keyOf)
      .intervalJoin(second.keyBy(keyOf))
      .between(params.lower, params.upper)
      .sideOutputLeftLateData(LATE)
      .sideOutputRightLateData(LATE)
    if (params.isLowerExclusive) joined = joined.lowerBoundExclusive()
    if (params.isUpperExclusive) joined = joined.upperBoundExclusive()
    const main = joined.process(
      (left, right, ctx, out: Out<Row>) =>
        out.emit([keyText(ctx.key), left.id, right.id, ctx.leftTimestamp, ctx.rightTimestamp]),
      options,
    )
    return { main, late: LATE }
  },

  late: () => 't < watermark',

  async expected({ table, certainty }, { lower, upper, isLowerExclusive, isUpperExclusive }) {
    // A record is there until the watermark advances to the last timestamp that it can be joined with, or its own.
    const isThere =
      certainty !== 'exact'
        ? 'true'
        : `
      not (l.seq < r.seq and r.watermark >= l.t + ${Math.max(0, upper - Number(isUpperExclusive))} and r.watermark > l.watermark)
      and not (r.seq < l.seq and l.watermark >= r.t + ${Math.max(0, -(lower + Number(isLowerExclusive)))} and l.watermark > r.watermark)`
    const rows = await table.rows(`
      select l.key, l.id, r.id, l.t, r.t, greatest(l.t, r.t) from in_time l join in_time r
      on l.key = r.key and l.side = 0 and r.side = 1
        and r.t ${isLowerExclusive ? '>' : '>='} l.t + ${lower}
        and r.t ${isUpperExclusive ? '<' : '<='} l.t + ${upper}
      where ${isThere}`)
    return { rows }
  },
}

/** Counts pairs, up to a little more than may be. */
function pairsAtMost({ splits }: RandomStream, center: number, widthMs: number): number {
  const lower = center - Math.floor(widthMs / 2)
  const times = new Map<number, { left: number[]; right: number[] }>()
  for (const { key, side, t } of splits.flat()) {
    const both = times.get(key) ?? { left: [], right: [] }
    times.set(key, both)
    ;(side === 0 ? both.left : both.right).push(t)
  }
  let pairs = 0
  for (const { left, right } of times.values()) {
    right.sort((a, b) => a - b)
    for (const t of left) {
      pairs += firstAbove(right, t + lower + widthMs) - firstAbove(right, t + lower - 1)
    }
    if (pairs > MAX_PAIRS) return pairs
  }
  return pairs
}

/** Index of the first number above a limit, in ascending numbers. */
function firstAbove(ascending: readonly number[], limit: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]! > limit) high = middle
    else low = middle + 1
  }
  return low
}
