import type { SdkError } from '../../runtime/aws/aws-errors.ts'
import { awsError } from '../../runtime/aws/aws-errors.ts'
import type { StreamClient } from './kinesis-client.ts'
import { positionGone } from './kinesis-errors.ts'
import { positionText, type ShardPosition } from './kinesis-split.ts'
import { FROM_BEGINNING } from './shard-order.ts'
import type { ShardFeed } from './shard-feed.ts'

/** What to do when the record to go on behind is not in the shard any more. */
export type WhenPositionGone = 'fail' | 'earliest'

export interface GoneOptions {
  readonly operator: string
  readonly stream: string
  readonly whenPositionGone: WhenPositionGone
  readonly client: Pick<StreamClient, 'attempt'>
  count(counter: string): void
  log(message: string): void
}

/**
 * Decides where a shard is read on that does not have the position any more, or is not there any more itself: `undefined` ends
 * it. A shard that has expired before its first record was read ends with a line.
 */
export function goneBy(options: GoneOptions) {
  const { operator, stream, whenPositionGone, client, count, log } = options
  return (
    { split }: ShardFeed<never>,
    position: ShardPosition,
    error: SdkError,
  ): ShardPosition | undefined => {
    const isMissing = error.name === 'ResourceNotFoundException'
    const isShardMissing = isMissing && error.message.includes(split.id)
    const isUnread = position.sequenceNumber === ''
    if ((isMissing && !isShardMissing) || (isUnread && !isMissing)) {
      throw awsError(client.attempt(`read ${split.id} of the stream "${stream}"`), error)
    }
    if (!isUnread && whenPositionGone === 'fail') {
      throw positionGone(operator, stream, split, position, error)
    }
    count('positionsReset')
    const what = isMissing ? 'has expired' : 'is read on from its oldest record'
    log(`${split.id} no longer has ${positionText(position)}: it ${what}.`)
    return isMissing
      ? undefined
      : { from: FROM_BEGINNING, sequenceNumber: '', subSequenceNumber: -1 }
  }
}
