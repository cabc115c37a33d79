import { RestartableError, StreamError, thrownText } from '../errors.ts'

/** What the SDK throws: errors of services, of the network, and its own. */
export interface SdkError extends Error {
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
  readonly $response?: {
    readonly statusCode?: number
    readonly headers?: Readonly<Record<string, string>>
  }
}

/** What was tried, for messages. */
export interface AwsAttempt {
  /** Who tried: the uid of the operator, quoted in messages, or another name for it. */
  readonly operator: string
  /** Such as `Kinesis`. */
  readonly service: string
  /** What, as the end of "could not …", such as `read the stream "clicks"`. */
  readonly what: string
  /** The endpoint or region, for messages. */
  readonly where: string
}

/** What another try of a request may come to. */
export type AwsFailure =
  /** The service asks for fewer requests. */
  | 'throttled'
  /** No answer, or a failure of the service: whether it did what was asked is not known. */
  | 'transient'
  /** The clock of this machine is too far off; the SDK sets its own right by the answer. */
  | 'skewed'
  | 'credentials'
  | 'denied'
  | 'missing'
  | 'region'
  /** Anything else that the service refuses. */
  | 'refused'

const THROTTLED: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'KMSThrottlingException',
  'LimitExceededException',
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'BandwidthLimitExceeded',
  'SlowDown',
  'PriorRequestNotComplete',
])
const TRANSIENT: ReadonlySet<string> = new Set([
  'TimeoutError',
  'AbortError',
  'RequestTimeout',
  'RequestTimeoutException',
  // Another conditional write of the same key is under way.
  'ConditionalRequestConflict',
  'OperationAborted',
  // Of Glue.
  'OperationTimeoutException',
  'ConcurrentModificationException',
  'InternalFailure',
  'InternalFailureException',
  'InternalError',
  'InternalServerError',
  'InternalServiceException',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'ServiceException',
])
/** Codes of Node for connections that cannot be made, or break. */
const NETWORK: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'ERR_HTTP2_STREAM_CANCEL',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_STREAM_PREMATURE_CLOSE',
])
const SKEWED: ReadonlySet<string> = new Set([
  'RequestTimeTooSkewed',
  'RequestExpired',
  'RequestInTheFuture',
])
const DENIED: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'UnauthorizedOperation',
  'NotAuthorized',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'IncompleteSignatureException',
  'MissingAuthenticationTokenException',
  'ExpiredToken',
  'ExpiredTokenException',
  'AllAccessDisabled',
  'KMSAccessDeniedException',
])
const MISSING: ReadonlySet<string> = new Set([
  'ResourceNotFoundException',
  'NoSuchBucket',
  'EntityNotFoundException',
])
const REGION: ReadonlySet<string> = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
])

/** Says what kind of failure an error of the SDK is. */
export function awsFailure(error: unknown): AwsFailure {
  const { name, code, message = '', $metadata } = error as SdkError
  const status = $metadata?.httpStatusCode ?? 0
  if (THROTTLED.has(name) || status === 429) return 'throttled'
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') return 'credentials'
  if (/could not load credentials|credential(s)? (is|are) missing/i.test(message))
    return 'credentials'
  if (/region is missing/i.test(message)) return 'region'
  if (SKEWED.has(name) || /signature expired|signature not yet current/i.test(message))
    return 'skewed'
  // What a service says that was asked at the endpoint of another region.
  if (/scoped to a valid region/i.test(message)) return 'region'
  if (DENIED.has(name)) return 'denied'
  if (MISSING.has(name)) return 'missing'
  if (REGION.has(name) || status === 301) return 'region'
  if (TRANSIENT.has(name) || status >= 500) return 'transient'
  if (code !== undefined && NETWORK.has(code)) return 'transient'
  // A response that broke off is none.
  if (/socket hang up|premature close|aborted|terminated|unexpected end/i.test(message))
    return 'transient'
  return status === 403 ? 'denied' : 'refused'
}

/** Whether another try may help. */
export function mayPassAws(error: unknown): boolean {
  const failure = awsFailure(error)
  return failure === 'throttled' || failure === 'transient'
}

/** An error of the SDK in the words of the product; one of ours is returned as it is. */
export function awsError(tried: AwsAttempt, error: unknown): StreamError {
  if (error instanceof StreamError) return error
  const { operator, service, what, where } = tried
  const { name, $metadata } = error as SdkError
  const fields = { operator, service, type: name, requestId: $metadata?.requestId }
  const begin = `"${operator}" could not ${what}`
  const answer = thrownText(error)
  const make = (code: ConstructorParameters<typeof StreamError>[0], rest: string): StreamError =>
    new StreamError(code, `${begin}: ${rest}.`, fields, error)
  switch (awsFailure(error)) {
    case 'credentials':
      return make(
        'MR_AWS_CREDENTIALS',
        `no credentials were found (${answer}); nothing can be sent to ${service}; looked for are the option credentials, ` +
          `AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile of AWS_PROFILE in ~/.aws, a web identity, and the role of the ` +
          `container or machine: set one of them`,
      )
    case 'region':
      return make('MR_AWS_REGION', regionText(tried, error as SdkError))
    case 'denied':
      return make(
        'MR_AWS_REFUSED',
        `${service} (${where}) does not allow it (${answer}); nothing can be read or written; check which keys are used ` +
          `("aws sts get-caller-identity"), that they have not ended, and that their policy allows this`,
      )
    case 'missing':
      return make(
        'MR_AWS_MISSING',
        `${service} (${where}) does not have it (${answer}); it cannot be read or written; create it, or correct name, region and endpoint`,
      )
    case 'skewed':
      return make(
        'MR_AWS_CLOCK',
        `the clock of this machine is more than AWS allows away from the right time (${answer}); no request is taken; set it right, ` +
          `for example with a time service such as chrony`,
      )
    case 'throttled':
    case 'transient':
      return new RestartableError(
        'MR_AWS_FAILED',
        `${begin}: ${service} (${where}) failed (${answer}); the attempt ends; look at the health of the service.`,
        fields,
        error,
      )
    default:
      return make(
        'MR_AWS_FAILED',
        `${service} (${where}) answered ${answer}; the attempt ends; look the error up in the reference of the service`,
      )
  }
}

function regionText({ service, where }: AwsAttempt, error: SdkError): string {
  if (/region is missing/i.test(error.message)) {
    return `no region is known; ${service} has an address for each; set the option region, AWS_REGION, or region in the profile in ~/.aws`
  }
  if (/scoped to a valid region/i.test(error.message)) {
    return (
      `${service} (${where}) is in another region than requests are made for (${thrownText(error)}); nothing can be read or written ` +
      `there; set region to that of the endpoint`
    )
  }
  const region = error.$response?.headers?.['x-amz-bucket-region']
  const named = region === undefined ? '' : `, it is in ${region}`
  return (
    `the bucket is in another region than ${where}${named} (${thrownText(error)}); nothing can be read or written there; set region ` +
    `to ${region ?? 'that of the bucket'}`
  )
}

/** The service did not do what was asked for so long as it was tried. */
export function awsUnavailable(
  tried: AwsAttempt,
  triedMs: number,
  error: unknown,
): RestartableError {
  const { operator, service, what, where } = tried
  const isThrottled = awsFailure(error) === 'throttled'
  const wayOut = isThrottled
    ? 'raise the limits of the service (more shards, a higher quota), or give it less to do'
    : 'check that the address is right and reachable, and the health of the service'
  return new RestartableError(
    'MR_AWS_UNAVAILABLE',
    `"${operator}" could not ${what} for ${Math.round(triedMs / 1000)} s: ${service} (${where}) did not do it (last: ` +
      `${thrownText(error)}); ${wayOut}; retryTimeout says how long to go on.`,
    { operator, service, triedMs, type: (error as SdkError).name },
    error,
  )
}
