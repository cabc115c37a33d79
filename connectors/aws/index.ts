/*
 * Kinesis, Firehose, S3 and Lambda of AWS. Each needs the client of its service, which is installed beside millrace; importing this
 * loads none.
 */

export type { AwsConnection, AwsCredentials } from '../../runtime/aws/aws-connection.ts'
