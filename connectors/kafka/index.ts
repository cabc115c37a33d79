// What `millrace/kafka` exports.
export { kafkaSink } from './kafka-sink.ts'
export type { KafkaSinkOptions } from './kafka-sink-options.ts'
export { kafkaSource, type KafkaSourceOptions } from './kafka-source.ts'
export { kafkaTopic, type KafkaTopic } from './kafka-topic.ts'
export type { KafkaCompression } from './compression.ts'
export type { KafkaConnection, KafkaSasl, KafkaTls } from './connection.ts'
export type { KafkaEnd, KafkaStart } from './start-offsets.ts'
export type { KafkaRecord } from './kafka-record.ts'
export type { RecordHeader } from './record-batch.ts'
export type { BadKafkaRecord, OnBadKafkaRecord } from './bad-message.ts'
export {
  kafkaUpsertSink,
  type KafkaUpsertSinkOptions,
  kafkaUpsertSource,
  type KafkaUpsertSourceOptions,
} from './upsert-topic.ts'
