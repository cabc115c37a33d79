import type { OracleOperator } from './oracle-operator.ts'
import { orderedWait, unorderedWait } from './operators/async-wait.ts'
import { broadcastRules } from './operators/broadcast-rules.ts'
import { clockWindows } from './operators/clock-windows.ts'
import { connectedBuckets } from './operators/connected-buckets.ts'
import { connectedLatest } from './operators/connected-latest.ts'
import { countWindows } from './operators/count-windows.ts'
import { deduplicated } from './operators/deduplicate.ts'
import { eventTimeTtl } from './operators/event-time-ttl.ts'
import { globalWindowsOfKeys } from './operators/global-windows.ts'
import { intervalJoin } from './operators/interval-join.ts'
import { rollingAggregates } from './operators/rolling-aggregates.ts'
import { rollingReduce } from './operators/rolling-reduce.ts'
import { sessionWindows } from './operators/session-windows.ts'
import { slidingWindows } from './operators/sliding-windows.ts'
import { topN } from './operators/top-n.ts'
import { tumblingWindows } from './operators/tumbling-windows.ts'
import { windowJoin } from './operators/window-join.ts'

/**
 * All operators that cases are drawn from; those with more ways to be wrong at a boundary come twice, so that each way has
 * its cases among a thousand.
 */
export const OPERATORS: readonly OracleOperator<unknown>[] = [
  broadcastRules,
  clockWindows,
  connectedBuckets,
  connectedLatest,
  countWindows,
  deduplicated,
  eventTimeTtl,
  globalWindowsOfKeys,
  intervalJoin,
  orderedWait,
  rollingAggregates,
  rollingReduce,
  sessionWindows,
  slidingWindows,
  topN,
  tumblingWindows,
  unorderedWait,
  windowJoin,
  deduplicated,
  sessionWindows,
  slidingWindows,
  tumblingWindows,
]
