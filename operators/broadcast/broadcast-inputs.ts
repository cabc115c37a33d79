import { StreamError } from '../../runtime/errors.ts'
import type { NodeInputs } from '../graph-builder.ts'
import type { OperatorSpec } from '../operator-spec.ts'

/** Whether all records of a reading go to every subtask. */
export function isBroadcast(reading: NodeInputs): boolean {
  if ('selector' in reading) return false
  return reading.every(({ partitioning }) => partitioning?.kind === 'broadcast')
}

/** Whether a function is a broadcast function, with or without keys. */
export function isBroadcastFunction(
  given: object,
): given is { readonly spec: OperatorSpec; readonly isBroadcast: true } {
  return (given as { readonly isBroadcast?: unknown } | null | undefined)?.isBroadcast === true
}

const MAKERS: Readonly<Record<string, string>> = {
  'co-process': 'coProcessFunction',
  'broadcast-process': 'broadcastProcessFunction',
  'keyed-broadcast-process': 'keyedBroadcastProcessFunction',
}

/** Fails with `MR_GRAPH_INVALID` unless a function is of the kind that its inputs call for. */
export function checkFunctionKind(spec: OperatorSpec, wanted: string, second: NodeInputs): void {
  const found = spec.operatorKind
  if (found === wanted && (wanted !== 'broadcast-process' || isBroadcast(second))) return
  const inputs = isBroadcast(second) ? 'is a broadcast one' : 'is no broadcast one'
  throw new StreamError(
    'MR_GRAPH_INVALID',
    `process was given what ${MAKERS[found] ?? found} returns, where the second input ${inputs}; each of its subtasks would see other records than the function is made for; call broadcast() on the second stream and key the first one as the function needs it, or give it a function of ${MAKERS[wanted]}.`,
    { found, wanted },
  )
}
