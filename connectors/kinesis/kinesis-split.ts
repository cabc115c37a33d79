import { FROM_BEGINNING, type WaitingShard } from './shard-order.ts'

/** Behind which record of a shard reading goes on. */
export interface ShardPosition {
  /** Where reading begins while there is no sequence number: a time, or `FROM_BEGINNING`. */
  readonly from: number
  /** Of the last record that was handed out; empty before the first. */
  readonly sequenceNumber: string
  /** Which of the records in it was the last one, where it is an aggregate of the KPL; -1 for all of them. */
  readonly subSequenceNumber: number
}

/** One shard with the position behind which it is read on; plain data, part of the checkpoint (R31). */
export interface KinesisSplit extends ShardPosition {
  /** The id of the shard. */
  readonly id: string
  readonly firstHash: string
  readonly lastHash: string
  /** Records that have arrived at this time or later are not read; -1 for no end. */
  readonly end: number
  /** When all that the shard had was handed out, at the latest look; -1 for never. What is missed since then is younger. */
  readonly tipAt: number
  readonly isFinished: boolean
  /** Of a finished one: the shards that have taken over its keys. */
  readonly children: readonly string[]
}

/** A shard that has not been read yet. */
export function newSplit(shard: WaitingShard, end: number): KinesisSplit {
  const { id, firstHash, lastHash, from } = shard
  return {
    id,
    firstHash,
    lastHash,
    from,
    sequenceNumber: '',
    subSequenceNumber: -1,
    end,
    tipAt: -1,
    isFinished: false,
    children: [],
  }
}

/** A position for people: `sequence number 49…7`. */
export function positionText({ from, sequenceNumber, subSequenceNumber }: ShardPosition): string {
  if (sequenceNumber === '') {
    return from === FROM_BEGINNING ? 'its beginning' : `the time ${new Date(from).toISOString()}`
  }
  const inside = subSequenceNumber < 0 ? '' : `, record ${subSequenceNumber} in it`
  return `sequence number ${sequenceNumber}${inside}`
}

/** What readers tell the enumerator. */
export type ShardEvent =
  /** The last record of a shard has been handed out. */
  | { readonly type: 'finished'; readonly shardId: string; readonly children: readonly string[] }
  /** A checkpoint has completed that has these as finished. */
  | { readonly type: 'settled'; readonly shardIds: readonly string[] }
