import type { AwsAttempt } from '../../runtime/aws/aws-errors.ts'
import type { PutRecord } from './put-record.ts'

/** Why a service did not take one record of a request. */
export interface PutRefusal {
  /** The code of the service, such as `InternalFailure`. */
  readonly name: string
  readonly message: string
}

/** A service of AWS that takes many records by one request, and may take only some of them. */
export interface PutService {
  /** Where the records go, as in `the stream "clicks"`. */
  readonly target: string
  /** The code by which the service asks for fewer records. */
  readonly throttle: string
  /** What a user can do where it keeps throttling, as the end of a sentence. */
  readonly wayOut: string
  /**
   * Sends records once; resolves with what became of each, by its place: undefined where it was taken. Rejects with the error of
   * the SDK where the request failed as a whole.
   */
  put(
    records: readonly PutRecord[],
    signal: AbortSignal,
  ): Promise<readonly (PutRefusal | undefined)[]>
  /** A random delay before the n-th try again, from 1. */
  delayBefore(n: number): number
  /** What was tried, for errors. */
  attempt(what: string): AwsAttempt
  /** Fails where it is not there, or not for us. */
  checkTarget(): Promise<void>
  /** Closes the connections. */
  close(): void
}
