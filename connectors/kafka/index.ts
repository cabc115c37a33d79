// What `millrace/kafka` exports.
export { kafkaSource, type KafkaSourceOptions } from './kafka-source.ts'
export type { KafkaConnection, KafkaSasl, KafkaTls } from './connection.ts'
export type { KafkaEnd, KafkaStart } from './start-offsets.ts'
export type { KafkaRecord } from './kafka-record.ts'
export type { RecordHeader } from './record-batch.ts'
export type { BadKafkaRecord, OnBadKafkaRecord } from './bad-message.ts'
