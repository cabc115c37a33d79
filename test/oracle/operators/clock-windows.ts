import { slidingProcessingTimeWindows } from '../../../operators/window/sliding-windows.ts'
import { tumblingProcessingTimeWindows } from '../../../operators/window/tumbling-windows.ts'
import type { Random } from '../../../runtime/clock.ts'
import { below, pick } from '../../simulation/rows.ts'
import type { OracleOperator } from '../oracle-operator.ts'
import { CONTENT_COLUMNS, type Fold, FOLDS, foldWindows } from './contents.ts'

/** A century. Those that begin in 1970 and in 2019 hold every moment of a case. */
const SIZE_MS = 36_500 * 86_400_000
const SLIDE_MS = SIZE_MS / 2

interface Params {
  readonly isSliding: boolean
  readonly fold: Fold
}

/** Windows of the clock, which does not get to their ends: what they hold comes out when all input has ended (semantics 1.1). */
export const clockWindows: OracleOperator<Params> = {
  name: 'clock-windows',
  inputs: 1,
  certainties: ['exact', 'in-time', 'loose'],
  isOrdered: false,

  draw: (random: Random) => ({
    isSliding: below(random, 2) === 0,
    fold: pick(random, FOLDS),
  }),

  build({ first, keyOf }, { isSliding, fold }, options) {
    const assigner = isSliding
      ? slidingProcessingTimeWindows(SIZE_MS, SLIDE_MS)
      : tumblingProcessingTimeWindows(SIZE_MS)
    return { main: foldWindows(first.keyBy(keyOf).window(assigner), fold, options) }
  },

  // No record is late for the clock, however far the watermark is.
  late: () => 'false',

  async expected({ table }, { isSliding }) {
    const starts = isSliding ? `(0::bigint), (${SLIDE_MS})` : '(0::bigint)'
    const rows = await table.rows(`
      select key, start, start + ${SIZE_MS}, ${CONTENT_COLUMNS}, start + ${SIZE_MS} - 1
      from events, (values ${starts}) windows(start) group by key, start`)
    return { rows }
  },
}
