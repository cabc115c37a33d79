import { type Duration, parseDuration } from '../duration.ts'
import { type ErrorCode, givenText, StreamError } from '../errors.ts'
import { checkOptionNames, type OptionNames } from '../option-names.ts'

/** Keys of AWS, as the SDK takes them. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** When they end. Keys from a function are asked for anew before that. Default: they do not end. */
  readonly expiration?: Date
  /** Whose they are, and for which regions they hold, where a provider of the SDK says so. */
  readonly accountId?: string
  readonly credentialScope?: string
}

/** How to reach a service of AWS. Plain configuration: it is made in every thread from the job module. */
export interface AwsConnection {
  /** Such as `eu-central-1`. Default: what the SDK finds in `AWS_REGION` or the profile. */
  readonly region?: string
  /**
   * Another address than that of AWS: LocalStack, MinIO, a VPC endpoint, a stand-in. Default: `AWS_ENDPOINT_URL_S3`, `…_KINESIS` and so
   * on, or `AWS_ENDPOINT_URL`, or that of the region.
   */
  readonly endpoint?: string | URL
  /** Keys, or a function that gets them. Default: what the SDK finds (environment, profile, container, machine). */
  readonly credentials?: AwsCredentials | (() => Promise<AwsCredentials>)
  /** How long one request may take. Default 30 s. */
  readonly requestTimeout?: Duration
  /**
   * How long a request is tried again while the service throttles, fails or does not answer, before the attempt fails with
   * `MR_AWS_UNAVAILABLE` (and the restart strategy decides). Default two minutes.
   */
  readonly retryTimeout?: Duration
}

/** A checked connection, with all defaults. */
export interface CheckedAwsConnection {
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly credentials: AwsCredentials | (() => Promise<AwsCredentials>) | undefined
  readonly requestTimeoutMs: number
  readonly retryTimeoutMs: number
}

/** Names of the options of a connection, for those that take them among their own. */
export const AWS_CONNECTION_NAMES: OptionNames<AwsConnection> = {
  region: true,
  endpoint: true,
  credentials: true,
  requestTimeout: true,
  retryTimeout: true,
}

const CREDENTIAL_NAMES: OptionNames<AwsCredentials> = {
  accessKeyId: true,
  secretAccessKey: true,
  sessionToken: true,
  expiration: true,
  accountId: true,
  credentialScope: true,
}

/** Checks a connection; `where` is what was given it, such as `kinesisSource()`, and `code` what a mistake fails with. */
export function checkAwsConnection(
  given: AwsConnection,
  where: string,
  code: ErrorCode,
): CheckedAwsConnection {
  const check = (option: string, isGood: boolean, found: unknown, wanted: string): void => {
    if (isGood) return
    throw new StreamError(
      code,
      `${where}: ${option} is ${givenText(found)} (${typeof found}), so AWS cannot be reached; give ${wanted}.`,
      { option },
    )
  }
  const { region, endpoint, credentials } = given
  const isRegion =
    region === undefined || (typeof region === 'string' && /^[a-z0-9-]+$/.test(region))
  check('region', isRegion, region, 'the name of a region, such as "eu-central-1"')
  const isAddress = endpoint === undefined || isHttp(endpoint)
  check('endpoint', isAddress, endpoint, 'an address such as "http://localhost:4566"')
  if (typeof credentials === 'object' && credentials !== null) {
    // The SDK notes there where they come from.
    const given = { ...credentials, $source: undefined }
    checkOptionNames(given, CREDENTIAL_NAMES, `${where}: credentials`, code)
    for (const name of ['accessKeyId', 'secretAccessKey'] as const) {
      const value: unknown = credentials[name]
      // Secrets stay out of messages.
      const isText = typeof value === 'string' && value !== ''
      check(`credentials.${name}`, isText, typeof value, 'a text')
    }
  } else {
    const isFunction = credentials === undefined || typeof credentials === 'function'
    check('credentials', isFunction, typeof credentials, 'keys, or a function that gets them')
  }
  return {
    region,
    endpoint: endpoint === undefined ? undefined : String(endpoint),
    // The SDK writes into the object that it is given.
    credentials: typeof credentials === 'object' ? { ...credentials } : credentials,
    requestTimeoutMs: parseDuration(given.requestTimeout ?? '30s', `${where}: requestTimeout`),
    retryTimeoutMs: parseDuration(given.retryTimeout ?? '2m', `${where}: retryTimeout`),
  }
}

function isHttp(endpoint: unknown): boolean {
  return URL.canParse(String(endpoint)) && /^https?:/.test(String(endpoint))
}
