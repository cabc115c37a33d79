import { randomUUID } from 'node:crypto'
import { type Clock, SystemClock } from '../../runtime/clock.ts'
import type { PrepareOutputContext, Sink, SinkContext } from '../../runtime/sink.ts'
import { AtLeastOnceWriter } from './at-least-once-writer.ts'
import type { KafkaSinkClient } from './kafka-sink-client.ts'
import type { KafkaCommittable } from './kafka-committable.ts'
import { KafkaSinkCluster } from './kafka-sink-cluster.ts'
import { type CheckedSink, checkSinkOptions, type KafkaSinkOptions } from './kafka-sink-options.ts'
import { loadKafkaJs } from './load-kafkajs.ts'
import {
  checkTopicThere,
  checkTransactionalOutput,
  type OutputCheck,
  prepareTransactionalOutput,
} from './sink-output.ts'
import {
  SubtaskTransactions,
  TransactionCommitter,
  TransactionWriter,
} from './transaction-writer.ts'

/** What a sink stands on. */
export interface SinkSurroundings {
  /** Makes a client for the operator of this name; nothing is connected yet. */
  readonly makeClient: (operator: string) => KafkaSinkClient
  /** For what is done before there is a writer. */
  readonly clock: Clock
}

/**
 * Writes records to a topic of Kafka. Needs the package `kafkajs` 2.2.4.
 *
 * Exactly-once (the default): the records of a checkpoint are kept in memory and in the checkpoint, and written in one
 * transaction a subtask once it is complete. So readers see them after a checkpoint, if they read `read_committed`; others see
 * what is never committed, too. A transaction is open only while it is written. Costs about 25 ms a checkpoint and subtask, and
 * the memory, encoded, of what is written between two checkpoints. After a crash the next run finds out, by a marker that is
 * committed with the records, what has been committed, and writes the rest.
 *
 * At-least-once: records are written as they come, by an idempotent producer; after a crash some come again.
 *
 * Records of one key keep their order. The sink stops the job for a record that is larger than the topic takes
 * (`MR_KAFKA_RECORD_TOO_LARGE`), a topic that is not there (`MR_KAFKA_TOPIC_MISSING`), a transactional id that somebody else
 * uses (`MR_KAFKA_FENCED`), and a marker that is gone (`MR_KAFKA_MARKER_LOST`).
 *
 * @example
 * stream.sinkTo(
 *   kafkaSink({ brokers: 'localhost:9092', topic: 'alerts', value: json<Alert>() }),
 *   { uid: 'alerts' },
 * )
 */
export function kafkaSink<V, K = Uint8Array, T = V>(options: KafkaSinkOptions<V, K, T>): Sink<T> {
  const checked = checkSinkOptions(options)
  loadKafkaJs('kafkaSink()')
  const { connection } = checked.writer
  const makeClient = (operator: string) => new KafkaSinkCluster(connection, operator)
  return sinkOn({ makeClient, clock: new SystemClock() }, checked)
}

/** As `kafkaSink`, in other surroundings. */
export function kafkaSinkOn<V, K = Uint8Array, T = V>(
  surroundings: SinkSurroundings,
  options: KafkaSinkOptions<V, K, T>,
): Sink<T> {
  return sinkOn(surroundings, checkSinkOptions(options))
}

function sinkOn<T, K, V>(surroundings: SinkSurroundings, checked: CheckedSink<T, K, V>): Sink<T> {
  return checked.guarantee === 'at-least-once'
    ? atLeastOnce(surroundings, checked)
    : exactlyOnce(surroundings, checked)
}

function atLeastOnce<T, K, V>(
  surroundings: SinkSurroundings,
  { writer, lingerMs, output }: CheckedSink<T, K, V>,
): Sink<T> {
  return {
    kind: 'kafka',
    guarantee: 'at-least-once',
    identity: { topic: writer.topic },
    checkOutput: (context) =>
      checking(surroundings, context, (check) => checkTopicThere(check, output)),
    createWriter: (context) =>
      new AtLeastOnceWriter(context, surroundings.makeClient(context.uid), writer, lingerMs),
  }
}

function exactlyOnce<T, K, V>(
  surroundings: SinkSurroundings,
  { writer, output, whenMarkerLost }: CheckedSink<T, K, V>,
): Sink<T> {
  // The writer and the committer of a subtask have one context, and share a client.
  const known: WeakMap<SinkContext, SubtaskTransactions> = new WeakMap()
  const sharedIn = (context: SinkContext): SubtaskTransactions => {
    let shared = known.get(context)
    if (shared === undefined) {
      const prefix = output.prefixOf(context.uid)
      const options = { ...output, prefix, whenMarkerLost, nonce: randomUUID }
      shared = new SubtaskTransactions(context, surroundings.makeClient(context.uid), options)
      known.set(context, shared)
    }
    return shared
  }
  const sink: Sink<T, KafkaCommittable> = {
    kind: 'kafka',
    guarantee: 'exactly-once',
    identity: { topic: writer.topic },
    checkOutput: (context) =>
      checking(surroundings, context, (check) => checkTransactionalOutput(check, output)),
    prepareOutput: (context) =>
      checking(surroundings, context, (check) => prepareTransactionalOutput(check, output)),
    createWriter: (context) =>
      new TransactionWriter(context, sharedIn(context), writer, randomUUID),
    createCommitter: (context) => new TransactionCommitter(context, sharedIn(context)),
  }
  return sink
}

async function checking(
  { makeClient, clock }: SinkSurroundings,
  context: PrepareOutputContext,
  work: (check: OutputCheck) => Promise<void>,
): Promise<void> {
  const client = makeClient(context.uid)
  try {
    await work({ client, clock, context })
  } finally {
    await client.close()
  }
}
