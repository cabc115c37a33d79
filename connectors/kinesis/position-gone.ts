import type { Clock } from '../../runtime/clock.ts'
import { awsError, type SdkError } from '../../runtime/aws/aws-errors.ts'
import type { StreamClient } from './kinesis-client.ts'
import { positionGone } from './kinesis-errors.ts'
import { type KinesisSplit, positionText, type ShardPosition } from './kinesis-split.ts'
import { FROM_BEGINNING } from './shard-order.ts'

/** What to do when the record to go on behind is not in the shard any more. */
export type WhenPositionGone = 'fail' | 'earliest'

/** Where to go on: a position, later, or nowhere, as the shard is not there any more. */
export type Resumption = ShardPosition | 'later' | 'nowhere'

export interface GoneOptions {
  readonly operator: string
  readonly stream: string
  readonly whenPositionGone: WhenPositionGone
  readonly client: Pick<StreamClient, 'attempt'>
  readonly clock: Clock
  readonly retryTimeoutMs: number
  count(counter: string): void
  log(message: string): void
}

/**
 * Decides where a shard is read on that does not have the position any more, or is not there any more itself. Throws where that
 * would lose records; a shard that has expired before its first record was read ends with a line.
 */
export function resumptionOf(
  options: GoneOptions,
  split: KinesisSplit,
  position: ShardPosition,
  error: SdkError,
): Resumption {
  const { operator, stream, whenPositionGone, client, clock, retryTimeoutMs } = options
  const isMissing = error.name === 'ResourceNotFoundException'
  const isUnread = position.sequenceNumber === ''
  // The clock of the service is behind ours: the time that it refused will have come.
  if (isUnread && !isMissing && clock.now() - position.from < retryTimeoutMs) return 'later'
  const isShardMissing = isMissing && error.message.includes(split.id)
  if ((isMissing && !isShardMissing) || (isUnread && !isMissing)) {
    throw awsError(client.attempt(`read ${split.id} of the stream "${stream}"`), error)
  }
  if (!isUnread && whenPositionGone === 'fail') {
    throw positionGone(operator, stream, split, position, error)
  }
  options.count('positionsReset')
  const what = isMissing ? 'has expired' : 'is read on from its oldest record'
  options.log(`${split.id} no longer has ${positionText(position)}: it ${what}.`)
  if (isMissing) return 'nowhere'
  return { from: FROM_BEGINNING, sequenceNumber: '', subSequenceNumber: -1 }
}
