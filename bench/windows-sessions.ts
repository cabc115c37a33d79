import type { OperatorSpec } from '../operators/operator-spec.ts'
import { AggregateFold } from '../operators/window/fold.ts'
import { eventTimeSessionWindows } from '../operators/window/session-windows.ts'
import { tumblingEventTimeWindows } from '../operators/window/tumbling-windows.ts'
import { windowSpec } from '../operators/window/window-spec.ts'
import { SeededRandom } from '../runtime/clock.ts'
import { cpuNs } from './cpu-time.ts'
import { keyGroup, OperatorRig } from './operator-rig.ts'
import { median } from './spread.ts'

const MINUTE = 60_000
const GAP = 10 * MINUTE
/** Sessions begin so far from each other. */
const APART = 60 * MINUTE
/** How much later a record is than the one before it in its session, at most: each makes its session longer, as most do. */
const STEP = 20
const KEY = 'customer'
const KEY_GROUP = keyGroup(KEY)
const RECORDS = 100_000

const work = {
  fold: new AggregateFold({
    create: () => 0,
    add: (count: number) => count + 1,
    result: (count: number) => count,
    merge: (a: number, b: number) => a + b,
  } as never),
  firing: undefined,
}

const sessions = windowSpec({ assigner: eventTimeSessionWindows(GAP) }, work)
const tumbling = windowSpec({ assigner: tumblingEventTimeWindows(APART) }, work)

/** Medians of the rounds. */
export interface SessionCost {
  /** Open sessions of the one key. */
  readonly open: number
  readonly recordNs: number
  /** The same records in as many tumbling windows: what it costs to reach one of so many in memory at all. */
  readonly tumblingNs: number
  readonly beginNs: number
  readonly fireNs: number
}

export async function sessionCosts(
  opens: readonly number[],
  rounds: number,
): Promise<SessionCost[]> {
  const costs = new Map<number, SessionCost[]>(opens.map((open) => [open, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const open of opens) {
      const { recordNs: tumblingNs } = await costOf(tumbling, open)
      const cost = await costOf(sessions, open)
      // The first round is for the compiler.
      if (round > 0) costs.get(open)!.push({ ...cost, open, tumblingNs })
    }
  }
  return opens.map((open) => {
    const all = costs.get(open)!
    const of = (figure: (cost: SessionCost) => number): number =>
      Math.round(median(all.map(figure)))
    return {
      open,
      recordNs: of(({ recordNs }) => recordNs),
      tumblingNs: of(({ tumblingNs }) => tumblingNs),
      beginNs: of(({ beginNs }) => beginNs),
      fireNs: of(({ fireNs }) => fireNs),
    }
  })
}

/** Begins sessions in random order, gives records to any of them, and lets all end. */
async function costOf(
  spec: OperatorSpec,
  open: number,
): Promise<Pick<SessionCost, 'recordNs' | 'beginNs' | 'fireNs'>> {
  const rig = await OperatorRig.open(spec)
  const random = new SeededRandom(open)
  const order = Array.from({ length: open }, (_, index) => index)
  for (let i = open - 1; i > 0; i--) {
    const other = Math.floor(random.next() * (i + 1))
    ;[order[i], order[other]] = [order[other]!, order[i]!]
  }
  const latest = Float64Array.from({ length: open }, (_, index) => index * APART)
  const timestamps = Float64Array.from({ length: RECORDS }, () => {
    const session = Math.floor(random.next() * open)
    return (latest[session]! += 1 + Math.floor(random.next() * STEP))
  })
  const start = cpuNs()
  for (const index of order) rig.element(KEY, KEY_GROUP, 1, index * APART)
  const begun = cpuNs()
  for (const timestamp of timestamps) rig.element(KEY, KEY_GROUP, 1, timestamp)
  const filled = cpuNs()
  rig.advance(Infinity)
  const fireNs = (cpuNs() - filled) / rig.emitted
  await rig.close()
  return {
    recordNs: (filled - begun) / RECORDS,
    beginNs: (begun - start) / open,
    fireNs,
  }
}
