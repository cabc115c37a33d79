import type { OracleOperator } from './oracle-operator.ts'
import { connectedBuckets } from './operators/connected-buckets.ts'
import { intervalJoin } from './operators/interval-join.ts'
import { rollingReduce } from './operators/rolling-reduce.ts'
import { tumblingWindows } from './operators/tumbling-windows.ts'

/** All operators that cases are drawn from. */
export const OPERATORS: readonly OracleOperator<unknown>[] = [
  connectedBuckets,
  intervalJoin,
  rollingReduce,
  tumblingWindows,
]
