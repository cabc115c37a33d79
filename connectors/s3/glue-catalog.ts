import type { AwsCall, AwsService } from '../../runtime/aws/aws-client.ts'
import type { SdkError } from '../../runtime/aws/aws-errors.ts'
import { StreamError, thrownText } from '../../runtime/errors.ts'
import type { CheckedGlueTable } from './glue-options.ts'
import type { CatalogTable, NewPartition, TableCatalog } from './table-catalog.ts'

/** The service, for `AwsClient`. */
export const GLUE: AwsService = {
  name: 'Glue',
  package: '@aws-sdk/client-glue',
  client: 'GlueClient',
}

/** Glue takes so many partitions in one request. */
const PARTITIONS_A_REQUEST = 100

/** What of `AwsClient` is needed here. */
export interface GlueClient {
  send<Output>(command: string, input: object, call: AwsCall): Promise<Output>
  close(): void
}

interface GetTableOutput {
  readonly Table?: {
    readonly StorageDescriptor?: Readonly<Record<string, unknown>> & { readonly Location?: string }
    readonly PartitionKeys?: readonly { readonly Name: string }[]
  }
}

interface CreateOutput {
  readonly Errors?: readonly {
    readonly PartitionValues?: readonly string[]
    readonly ErrorDetail?: { readonly ErrorCode?: string; readonly ErrorMessage?: string }
  }[]
}

/** A table of the Glue data catalogue. */
export class GlueCatalog implements TableCatalog {
  readonly name: string
  readonly #client: GlueClient
  readonly #input: CheckedGlueTable['input']
  readonly #table: string

  constructor(client: GlueClient, { input, table }: CheckedGlueTable) {
    this.#client = client
    this.#input = input
    this.#table = table
    this.name = `table "${input.DatabaseName}.${table}" of the Glue catalogue`
  }

  async describe(): Promise<CatalogTable> {
    const input = { ...this.#input, Name: this.#table }
    const what = `look up the ${this.name} (glue:GetTable)`
    try {
      const { Table = {} } = await this.#client.send<GetTableOutput>('GetTable', input, {
        what,
        handsOn: isMissing,
      })
      const { StorageDescriptor = {}, PartitionKeys = [] } = Table
      return {
        location: StorageDescriptor.Location,
        partitionKeys: PartitionKeys.map(({ Name }) => Name),
        storage: StorageDescriptor,
      }
    } catch (error) {
      throw isMissing(error as SdkError) ? this.#missing(error) : error
    }
  }

  async createPartitions(table: CatalogTable, partitions: readonly NewPartition[]): Promise<void> {
    for (let at = 0; at < partitions.length; at += PARTITIONS_A_REQUEST) {
      await this.#create(table, partitions.slice(at, at + PARTITIONS_A_REQUEST))
    }
  }

  close(): void {
    this.#client.close()
  }

  async #create(table: CatalogTable, partitions: readonly NewPartition[]): Promise<void> {
    const input = {
      ...this.#input,
      TableName: this.#table,
      PartitionInputList: partitions.map(({ values, location }) => ({
        Values: values,
        StorageDescriptor: { ...table.storage, Location: location },
      })),
    }
    const some = partitions[0]!.values.join('/')
    const more = partitions.length > 1 ? ` and ${partitions.length - 1} more` : ''
    const what = `add the partition ${some}${more} to the ${this.name} (glue:BatchCreatePartition)`
    try {
      await this.#client.send('BatchCreatePartition', input, {
        what,
        handsOn: (error) => isThere(error) || isMissing(error),
        failureOf,
      })
    } catch (error) {
      if (isMissing(error as SdkError)) throw this.#missing(error)
      if (!isThere(error as SdkError)) throw error
      // Told of the request as a whole, which says nothing of the others.
      if (partitions.length === 1) return
      const middle = partitions.length >> 1
      await this.#create(table, partitions.slice(0, middle))
      await this.#create(table, partitions.slice(middle))
    }
  }

  #missing(error: unknown): StreamError {
    return new StreamError(
      'MR_AWS_MISSING',
      `s3Sink(): there is no ${this.name} (${thrownText(error)}); partitions cannot be added to it; create database and table first, ` +
        `with CREATE EXTERNAL TABLE … PARTITIONED BY … in Athena, or correct glue, region and catalogId.`,
      { database: this.#input.DatabaseName, table: this.#table },
      error,
    )
  }
}

/** The first failure in an answer that says for each partition how it went; one that is there is none. */
function failureOf(output: unknown): SdkError | undefined {
  for (const { PartitionValues = [], ErrorDetail = {} } of (output as CreateOutput).Errors ?? []) {
    const { ErrorCode = 'UnknownError', ErrorMessage = '' } = ErrorDetail
    if (ErrorCode === THERE) continue
    const message = `${PartitionValues.join('/')}: ${ErrorMessage}`
    return Object.assign(new Error(message), { name: ErrorCode })
  }
  return undefined
}

const THERE = 'AlreadyExistsException'

function isThere({ name }: SdkError): boolean {
  return name === THERE
}

function isMissing({ name }: SdkError): boolean {
  return name === 'EntityNotFoundException'
}
