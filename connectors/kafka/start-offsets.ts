import { StreamError } from '../../runtime/errors.ts'
import type { KafkaSourceClient, PartitionOffset, TopicPartition } from './kafka-cluster.ts'
import { EARLIEST, LATEST } from './kafka-cluster.ts'
import { splitId } from './kafka-split.ts'

/** Where reading begins in partitions that are there at the first start (semantics 2.13). */
export type KafkaStart =
  | 'earliest'
  | 'latest'
  /** The first record at or after this time, in milliseconds since the epoch; the end where there is none. */
  | { readonly timestamp: number }
  /** What this group has committed; where it has not, `otherwise`, by default an error. */
  | { readonly committed: string; readonly otherwise?: 'earliest' | 'latest' | 'fail' }
  /** Offsets by topic and partition; partitions that are not named begin at `otherwise`, by default at the earliest. */
  | {
      readonly offsets: Readonly<Record<string, Readonly<Record<number, number>>>>
      readonly otherwise?: 'earliest' | 'latest'
    }

/** Where reading ends, in a bounded source; offsets are the first that are not read. */
export type KafkaEnd =
  /** What was there when the source started. */
  | 'latest'
  | { readonly timestamp: number }
  | { readonly offsets: Readonly<Record<string, Readonly<Record<number, number>>>> }

/** The offsets at which partitions begin. */
export async function startOffsets(
  client: KafkaSourceClient,
  start: KafkaStart,
  partitions: readonly TopicPartition[],
  operator: string,
): Promise<readonly PartitionOffset[]> {
  if (start === 'earliest') return client.offsetsAt(partitions, EARLIEST)
  if (start === 'latest') return client.offsetsAt(partitions, LATEST)
  if ('timestamp' in start) return offsetsAtTime(client, partitions, start.timestamp)
  if ('committed' in start) {
    const { committed, otherwise = 'fail' } = start
    const known = await client.committedOffsets(committed, partitions)
    const open = without(partitions, known)
    if (open.length > 0 && otherwise === 'fail') throw notCommitted(operator, committed, open[0]!)
    return [...valid(known), ...(await orElse(client, open, otherwise))]
  }
  const given = named(partitions, start.offsets)
  const open = without(partitions, given)
  return [...given, ...(await orElse(client, open, start.otherwise ?? 'earliest'))]
}

/** The offsets at which partitions end; with given offsets one that is not named is not read at all. */
export async function endOffsets(
  client: KafkaSourceClient,
  end: KafkaEnd,
  partitions: readonly TopicPartition[],
): Promise<readonly PartitionOffset[]> {
  if (end === 'latest') return client.offsetsAt(partitions, LATEST)
  if ('timestamp' in end) return offsetsAtTime(client, partitions, end.timestamp)
  const given = named(partitions, end.offsets)
  return [...given, ...without(partitions, given).map((partition) => ({ ...partition, offset: 0 }))]
}

async function offsetsAtTime(
  client: KafkaSourceClient,
  partitions: readonly TopicPartition[],
  timestamp: number,
): Promise<readonly PartitionOffset[]> {
  const found = await client.offsetsAt(partitions, timestamp)
  return [...valid(found), ...(await orElse(client, without(partitions, found), 'latest'))]
}

async function orElse(
  client: KafkaSourceClient,
  partitions: readonly TopicPartition[],
  otherwise: 'earliest' | 'latest' | 'fail',
): Promise<readonly PartitionOffset[]> {
  if (partitions.length === 0) return []
  return client.offsetsAt(partitions, otherwise === 'latest' ? LATEST : EARLIEST)
}

function named(
  partitions: readonly TopicPartition[],
  offsets: Readonly<Record<string, Readonly<Record<number, number>>>>,
): readonly PartitionOffset[] {
  return partitions.flatMap((partition) => {
    const offset = offsets[partition.topic]?.[partition.partition]
    return offset === undefined ? [] : [{ ...partition, offset }]
  })
}

function valid(offsets: readonly PartitionOffset[]): readonly PartitionOffset[] {
  return offsets.filter(({ offset }) => offset >= 0)
}

/** The partitions for which no offset is known. */
function without(
  partitions: readonly TopicPartition[],
  known: readonly PartitionOffset[],
): readonly TopicPartition[] {
  const ids = new Set(valid(known).map(({ topic, partition }) => splitId(topic, partition)))
  return partitions
    .filter(({ topic, partition }) => !ids.has(splitId(topic, partition)))
    .map(({ topic, partition }) => ({ topic, partition }))
}

function notCommitted(
  operator: string,
  groupId: string,
  { topic, partition }: TopicPartition,
): StreamError {
  return new StreamError(
    'MR_KAFKA_OFFSET_MISSING',
    `"${operator}" is to start where the group "${groupId}" has committed, and that has committed nothing for ${splitId(topic, partition)}; ` +
      `where to begin is not known; set otherwise to "earliest" or "latest", or correct the name of the group.`,
    { operator, groupId, topic, partition },
  )
}
