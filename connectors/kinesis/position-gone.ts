import type { Clock } from '../../runtime/clock.ts'
import { awsError, type SdkError } from '../../runtime/aws/aws-errors.ts'
import type { StreamClient } from './kinesis-client.ts'
import { positionGone } from './kinesis-errors.ts'
import { positionText, type ShardPosition } from './kinesis-split.ts'
import { FROM_BEGINNING } from './shard-order.ts'

/** What to do when the record to go on behind is not in the shard any more. */
export type WhenPositionGone = 'fail' | 'earliest'

/** Where to go on: a position, later, or nowhere, as the shard is not there any more. */
export type Resumption = ShardPosition | 'later' | 'nowhere'

const OLDEST: ShardPosition = { from: FROM_BEGINNING, sequenceNumber: '', subSequenceNumber: -1 }

export interface GoneOptions {
  readonly operator: string
  readonly stream: string
  readonly whenPositionGone: WhenPositionGone
  readonly client: Pick<StreamClient, 'attempt' | 'retentionMs' | 'listShards'>
  readonly clock: Clock
  readonly retryTimeoutMs: number
  count(counter: string): void
  log(message: string): void
}

/** A position that the service does not have. */
export interface GonePosition {
  readonly shardId: string
  readonly position: ShardPosition
  /** When all that the shard had was handed out; -1 for never. */
  readonly tipAt: number
  readonly error: SdkError
}

/** By how much clocks may differ, and an answer be old. */
const MARGIN_MS = 10 * 60_000

/**
 * Decides where a shard is read on that does not have the position any more, or is not there any more itself. Throws where that
 * would lose records.
 *
 * The last record of a quiet shard may expire while the job has long read it, and no other has come. Then nothing is lost by
 * going on at the oldest one: what came since the latest look at the tip is younger than what expires. A shard that has expired
 * before its first record was read ends with a line.
 */
export async function resumptionOf(options: GoneOptions, gone: GonePosition): Promise<Resumption> {
  const { operator, stream, whenPositionGone, client, clock, retryTimeoutMs } = options
  const { shardId, position, error } = gone
  const isMissing = error.name === 'ResourceNotFoundException'
  const isUnread = position.sequenceNumber === ''
  // The clock of the service is behind ours: the time that it refused will have come.
  if (isUnread && !isMissing && clock.now() - position.from < retryTimeoutMs) return 'later'
  const isShardMissing = isMissing && error.message.includes(shardId)
  if ((isMissing && !isShardMissing) || (isUnread && !isMissing)) {
    throw awsError(client.attempt(`read ${shardId} of the stream "${stream}"`), error)
  }
  const next: Resumption = isMissing ? 'nowhere' : OLDEST
  if (!isUnread && !isMissing && (await hasReadAll(options, gone))) return next
  if (!isUnread && whenPositionGone === 'fail') {
    throw positionGone(operator, stream, shardId, position, error)
  }
  options.count('positionsReset')
  const what = isMissing ? 'has expired' : 'is read on from its oldest record'
  options.log(`${shardId} no longer has ${positionText(position)}: it ${what}.`)
  return next
}

/** Whether nothing that came since the latest look at the tip can have expired, and it is the shard that it was. */
async function hasReadAll(
  { client, clock }: GoneOptions,
  { shardId, position, tipAt }: GonePosition,
): Promise<boolean> {
  if (tipAt < 0) return false
  try {
    if (clock.now() - tipAt >= (await client.retentionMs()) - MARGIN_MS) return false
    const shard = (await client.listShards()).find(({ id }) => id === shardId)
    // A stream that was made anew has higher numbers from the first on.
    return (
      shard !== undefined && BigInt(shard.firstSequenceNumber) <= BigInt(position.sequenceNumber)
    )
  } catch {
    // Without the right to ask, it is not known.
    return false
  }
}
