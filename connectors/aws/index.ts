/*
 * Kinesis, Firehose, S3 and Lambda of AWS. Each needs the client of its service, which is installed beside millrace; importing this
 * loads none.
 */

export type { AwsConnection, AwsCredentials } from '../../runtime/aws/aws-connection.ts'
export type { AtLeastOnceSink } from './put-sink.ts'

// Kinesis
export { kinesisSource, type KinesisSourceOptions } from '../kinesis/kinesis-source.ts'
export type { KinesisEnd, KinesisStart } from '../kinesis/kinesis-start.ts'
export type { KinesisRecord } from '../kinesis/kinesis-record.ts'
export type { BadKinesisRecord, OnBadKinesisRecord } from '../kinesis/bad-kinesis-record.ts'
export type { KinesisSinkOptions } from '../kinesis/kinesis-sink-options.ts'
export { kinesisSink } from '../kinesis/kinesis-sink.ts'

// Firehose
export type { FirehoseSinkOptions } from '../firehose/firehose-sink-options.ts'
export { firehoseSink } from '../firehose/firehose-sink.ts'

// S3
export { eventTime, type EventTime } from '../s3/event-time.ts'
export type { GlueTable } from '../s3/glue-options.ts'
export type { FileCompression } from '../compression.ts'
export type { Partitions, PartitionValue } from '../s3/partitions.ts'
export { s3Sink } from '../s3/s3-sink.ts'
export type { S3ObjectSettings, S3SinkOptions } from '../s3/s3-sink-options.ts'

// Lambda
export { kinesisHandler, type KinesisHandlerOptions } from '../lambda/kinesis-handler.ts'
export type { KinesisBatchResponse, KinesisEventRecord } from '../lambda/kinesis-event.ts'
export type { KinesisStreamEvent } from '../lambda/kinesis-event.ts'
export type { LambdaFailure, LambdaMapOptions, OnLambdaFailure } from '../lambda/lambda-options.ts'
export { lambdaMap, type LambdaMap } from '../lambda/lambda-map.ts'
