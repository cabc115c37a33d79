/** What a service takes in one request. */
export interface PutLimits {
  /** Records in a request. */
  readonly records: number
  /** Bytes of a request: data, before base64, and keys. */
  readonly requestBytes: number
  /** Bytes of a record, its key with it. */
  readonly recordBytes: number
}

const KIB = 1024
const MIB = 1024 * KIB

/** PutRecords of Kinesis, for streams whose largest record was not raised. */
export const KINESIS_LIMITS: PutLimits = {
  records: 500,
  requestBytes: 5 * MIB,
  recordBytes: MIB,
}

/** As far as `UpdateMaxRecordSize` goes; a request is as long then. */
export const KINESIS_MOST_BYTES: number = 10 * MIB

/** PutRecordBatch of Firehose. */
export const FIREHOSE_LIMITS: PutLimits = {
  records: 500,
  requestBytes: 4 * MIB,
  recordBytes: 1_000 * KIB,
}
