import { StreamError, thrownText } from '../../runtime/errors.ts'
import { positionText, type ShardPosition } from './kinesis-split.ts'

/** `clicks/shardId-000000000003 at sequence number 49…7`. */
export function placeIn(stream: string, shardId: string, position: ShardPosition): string {
  return `${stream}/${shardId} at ${positionText(position)}`
}

/** The record to go on behind is not in the shard (any more). */
export function positionGone(
  operator: string,
  stream: string,
  shardId: string,
  position: ShardPosition,
  error: unknown,
): StreamError {
  const { sequenceNumber } = position
  return new StreamError(
    'MR_KINESIS_POSITION_GONE',
    `"${operator}" is to go on at ${placeIn(stream, shardId, position)}, which is not there: its records were removed by the retention of the ` +
      `stream, or the stream was made anew (${thrownText(error)}); records would be missed without a word; set whenPositionGone to ` +
      `"earliest", or restore a snapshot that fits the stream.`,
    { operator, stream, shardId, sequenceNumber },
    error,
  )
}
