import { StreamError } from '../../runtime/errors.ts'
import type { Sink } from '../../runtime/sink.ts'
import type { Source } from '../../runtime/source.ts'
import type { Upsert } from '../../runtime/upsert.ts'
import { BadMessageError } from '../message-format.ts'
import { kafkaSink } from './kafka-sink.ts'
import type { KafkaSinkOptions } from './kafka-sink-options.ts'
import { kafkaSource, type KafkaSourceOptions } from './kafka-source.ts'

/** Options of `kafkaUpsertSource()`: those of `kafkaSource()`, which makes the records itself. */
export type KafkaUpsertSourceOptions<K, V> = Omit<KafkaSourceOptions<V, K, Upsert<K, V>>, 'record'>

/** Options of `kafkaUpsertSink()`: those of `kafkaSink()`, which knows keys and values itself. */
export type KafkaUpsertSinkOptions<K, V> = Omit<
  KafkaSinkOptions<V, K, Upsert<K, V>>,
  'toKey' | 'toValue'
>

/**
 * Reads a compacted topic as a table: each record is the row that its key has from now on, a tombstone says that it has none.
 * Needs a format of keys. A record without a key cannot be read.
 *
 * Of an older row of a key brokers may have left nothing, or something; the last one is always there. `tableJoin` and
 * `broadcastTableJoin` keep the rows in state. With `end: 'latest'` and `readFirst` the table is complete before anything is joined.
 *
 * @example
 * env.fromSource(
 *   kafkaUpsertSource({ brokers, topics: kafkaTopic({ name: 'cards', key: string(), value: json<Card>() }) }),
 *   { uid: 'cards', watermarks: noWatermarks() },
 * )
 */
export function kafkaUpsertSource<K, V>(
  options: KafkaUpsertSourceOptions<K, V>,
): Source<Upsert<K, V>> {
  needsKey(options, options?.topics, 'kafkaUpsertSource()', 'MR_SOURCE_INVALID')
  return kafkaSource<V, K, Upsert<K, V>>({
    ...options,
    record: ({ key, value }) => {
      if (key === null)
        throw new BadMessageError({ problem: 'has no key, so it is no row of a table' })
      return { key, value }
    },
  })
}

/**
 * Writes the changes of a table to a topic, which should be compacted (`cleanup.policy=compact`): the row of a key under its key,
 * null as a tombstone, which deletes it. Needs a format of keys. In all else as `kafkaSink`.
 *
 * @example
 * totals.map(({ card, sum }) => ({ key: card, value: sum === 0 ? null : { sum } }))
 *   .sinkTo(kafkaUpsertSink({ brokers, topic: 'totals', key: string(), value: json<Total>() }), { uid: 'totals' })
 */
export function kafkaUpsertSink<K, V>(options: KafkaUpsertSinkOptions<K, V>): Sink<Upsert<K, V>> {
  needsKey(options, options?.topic, 'kafkaUpsertSink()', 'MR_SINK_INVALID')
  return kafkaSink<V, K, Upsert<K, V>>({
    ...options,
    toKey: ({ key }) => key,
    toValue: ({ value }) => value,
  })
}

function needsKey(
  options: { readonly key?: unknown } | undefined,
  topic: unknown,
  where: string,
  code: 'MR_SOURCE_INVALID' | 'MR_SINK_INVALID',
): void {
  const ofTopic = typeof topic === 'object' && topic !== null ? topic : {}
  if (options?.key !== undefined || (ofTopic as { key?: unknown }).key !== undefined) return
  throw new StreamError(
    code,
    `${where}: key is undefined, so rows have nothing that tells them apart; give the format of the keys, such as string().`,
    { option: 'key' },
  )
}
