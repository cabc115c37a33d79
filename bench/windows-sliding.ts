import type { OperatorSpec } from '../operators/operator-spec.ts'
import { AggregateFold } from '../operators/window/fold.ts'
import { slidingEventTimeWindows } from '../operators/window/sliding-windows.ts'
import { eventTimeTrigger } from '../operators/window/time-triggers.ts'
import { tumblingEventTimeWindows } from '../operators/window/tumbling-windows.ts'
import { windowSpec } from '../operators/window/window-spec.ts'
import { cpuNs } from './cpu-time.ts'
import { keyGroup, OperatorRig } from './operator-rig.ts'
import { median } from './spread.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const KEYS = Array.from({ length: 20 }, (_, index) => `customer-${index}`)
const KEY_GROUPS = KEYS.map(keyGroup)
const MINUTES = 90
const PER_KEY_AND_SLIDE = 1_000
/** Without panes a record costs as much as 60, so fewer do. */
const FEW_PER_KEY_AND_SLIDE = 20

interface Purchase {
  readonly cents: number
}

interface Total {
  count: number
  cents: number
}

const PURCHASES: readonly Purchase[] = Array.from({ length: 1_024 }, (_, index) => ({
  cents: (index * 7_919) % 10_007,
}))

const totals = {
  create: (): Total => ({ count: 0, cents: 0 }),
  add(total: Total, { cents }: Purchase): Total {
    total.count++
    total.cents += cents
    return total
  },
  result: ({ count, cents }: Total) => ({ count, cents }),
  merge: (a: Total, b: Total): Total => ({ count: a.count + b.count, cents: a.cents + b.cents }),
}

const work = { fold: new AggregateFold(totals as never), firing: undefined }
const sliding = slidingEventTimeWindows(HOUR, MINUTE)
export const IN_PANES = 'sliding 1 h / 1 min in panes'
export const TUMBLING = 'tumbling 1 h'

/** Totals of purchases in windows of an hour. */
export const tumblingHour: OperatorSpec = windowSpec(
  { assigner: tumblingEventTimeWindows(HOUR) },
  work,
)

const contenders = {
  [TUMBLING]: { spec: tumblingHour, perSlide: PER_KEY_AND_SLIDE },
  [IN_PANES]: { spec: windowSpec({ assigner: sliding }, work), perSlide: PER_KEY_AND_SLIDE },
  'sliding 1 h / 1 min without': {
    spec: windowSpec({ assigner: sliding, trigger: eventTimeTrigger() }, work),
    perSlide: FEW_PER_KEY_AND_SLIDE,
  },
}

export interface SlidingCosts {
  /** Of each round, by contender: of a record, and of a window that fires. */
  readonly recordsNs: Readonly<Record<string, readonly number[]>>
  readonly windowsNs: Readonly<Record<string, readonly number[]>>
  /** Of the costs per record in one round: in panes to tumbling. */
  readonly ratio: { readonly min: number; readonly median: number; readonly max: number }
}

/** All contenders in turn, and again. */
export async function slidingCosts(rounds: number): Promise<SlidingCosts> {
  const records: Record<string, number[]> = {}
  const windows: Record<string, number[]> = {}
  for (let round = 0; round <= rounds; round++) {
    for (const [name, { spec, perSlide }] of Object.entries(contenders)) {
      const { recordNs, windowNs } = await hourAndAHalf(spec, perSlide)
      // The first round is for the compiler.
      if (round === 0) continue
      ;(records[name] ??= []).push(recordNs)
      ;(windows[name] ??= []).push(windowNs)
    }
  }
  const ratios = records[IN_PANES]!.map((ns, round) => ns / records[TUMBLING]![round]!)
  return {
    recordsNs: records,
    windowsNs: windows,
    ratio: { min: Math.min(...ratios), median: median(ratios), max: Math.max(...ratios) },
  }
}

/** Ninety minutes of event time: the records of a minute, out of order within it, then its watermark. */
async function hourAndAHalf(
  spec: OperatorSpec,
  perSlide: number,
): Promise<{ recordNs: number; windowNs: number }> {
  const rig = await OperatorRig.open(spec)
  let recordsNs = 0
  let firingNs = 0
  for (let minute = 0; minute < MINUTES; minute++) {
    const before = cpuNs()
    for (let i = 0; i < perSlide; i++) {
      for (let key = 0; key < KEYS.length; key++) {
        const timestamp = minute * MINUTE + ((i * 7_919 + key) % MINUTE)
        rig.element(KEYS[key]!, KEY_GROUPS[key]!, PURCHASES[(i + key) & 1_023], timestamp)
      }
    }
    const between = cpuNs()
    rig.advance((minute + 1) * MINUTE - 1)
    recordsNs += between - before
    firingNs += cpuNs() - between
  }
  const before = cpuNs()
  rig.advance(Infinity)
  firingNs += cpuNs() - before
  const { emitted } = rig
  await rig.close()
  return {
    recordNs: recordsNs / (MINUTES * perSlide * KEYS.length),
    windowNs: firingNs / emitted,
  }
}
