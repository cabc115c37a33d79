/** What Lambda calls a function with for records of a Kinesis stream, as far as it is used. */
export interface KinesisStreamEvent {
  readonly Records: readonly KinesisEventRecord[]
}

/** A record of such an event. */
export interface KinesisEventRecord {
  readonly kinesis: {
    /** Base64. */
    readonly data: string
    readonly partitionKey: string
    readonly sequenceNumber: string
    /** Seconds since the epoch, with fractions. */
    readonly approximateArrivalTimestamp: number
  }
  /** `shardId-000000000000:49590…`: the shard and the sequence number. */
  readonly eventID: string
  readonly eventSourceARN: string
}

/** What a function answers that is set up with `ReportBatchItemFailures`. */
export interface KinesisBatchResponse {
  /** Lambda calls again with the records from the first of these on. */
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}
