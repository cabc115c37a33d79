import type { OracleOperator } from './oracle-operator.ts'
import { connectedBuckets } from './operators/connected-buckets.ts'
import { countWindows } from './operators/count-windows.ts'
import { intervalJoin } from './operators/interval-join.ts'
import { rollingReduce } from './operators/rolling-reduce.ts'
import { sessionWindows } from './operators/session-windows.ts'
import { slidingWindows } from './operators/sliding-windows.ts'
import { tumblingWindows } from './operators/tumbling-windows.ts'

/** All operators that cases are drawn from. */
export const OPERATORS: readonly OracleOperator<unknown>[] = [
  connectedBuckets,
  countWindows,
  intervalJoin,
  rollingReduce,
  sessionWindows,
  slidingWindows,
  tumblingWindows,
]
