import { type Clock, type Random, SystemClock, SystemRandom } from '../../runtime/clock.ts'
import type { Sink, SinkContext } from '../../runtime/sink.ts'
import type { CheckedPutSink } from './put-options.ts'
import type { PutLimits } from './put-limits.ts'
import type { PutRecord } from './put-record.ts'
import type { PutService } from './put-service.ts'
import { PutWriter, type RecordMaker } from './put-writer.ts'

/** A sink that may write records a second time after a failure, and loses none. */
export type AtLeastOnceSink<T> = Sink<T> & { readonly guarantee: 'at-least-once' }

/** What a sink stands on. */
export interface PutSurroundings {
  readonly clock: Clock
  readonly random: Random
}

/** Time and chance as they are. */
export const REAL_SURROUNDINGS: PutSurroundings = {
  clock: new SystemClock(),
  random: new SystemRandom(),
}

/** What makes a sink of one service. */
export interface PutSinkParts<V, T> {
  readonly kind: string
  readonly identity: Readonly<Record<string, string>>
  readonly checked: CheckedPutSink<V, T>
  readonly limits: PutLimits
  readonly isOrdered: boolean
  /** For the operator of this name; nothing is connected yet. */
  makeService(operator: string): PutService
  makeRecords(context: SinkContext, emit: (record: PutRecord) => void): RecordMaker<T>
}

/** A sink that writes records in the background and has nothing to commit. */
export function putSink<V, T>(parts: PutSinkParts<V, T>): AtLeastOnceSink<T> {
  const { kind, identity, checked, limits, isOrdered } = parts
  return {
    kind,
    guarantee: 'at-least-once',
    identity,
    checkOutput: async ({ uid }) => {
      const service = parts.makeService(uid)
      try {
        await service.checkTarget()
      } finally {
        service.close()
      }
    },
    createWriter: (context) => {
      const service = parts.makeService(context.uid)
      return new PutWriter<T>(context, {
        service,
        limits,
        makeRecords: (emit) => parts.makeRecords(context, emit),
        lingerMs: checked.lingerMs,
        retryTimeoutMs: checked.connection.retryTimeoutMs,
        maxRequests: checked.maxRequests,
        maxBufferedBytes: checked.maxBufferedBytes,
        isOrdered,
      })
    },
  }
}
