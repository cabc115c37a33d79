import { GLUE } from '../../connectors/s3/glue-catalog.ts'
import { bareClient, uniqueName } from '../servers/aws-for-tests.ts'

/** A table of Parquet or JSON in the Glue catalogue of moto. */
export class TestTable {
  readonly database: string = uniqueName('lake').replaceAll('-', '_')
  readonly table = 'clicks'
  readonly #client: ReturnType<typeof bareClient>

  private constructor(endpoint: string) {
    this.#client = bareClient(GLUE, endpoint)
  }

  static async create(
    endpoint: string,
    location: string,
    partitionKeys: readonly string[],
  ): Promise<TestTable> {
    const made = new TestTable(endpoint)
    const DatabaseInput = { Name: made.database }
    await made.#client.sendOnce('CreateDatabase', { DatabaseInput })
    await made.#client.sendOnce('CreateTable', {
      DatabaseName: made.database,
      TableInput: {
        Name: made.table,
        StorageDescriptor: {
          Location: location,
          Columns: [{ Name: 'id', Type: 'bigint' }],
          SerdeInfo: { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
        },
        PartitionKeys: partitionKeys.map((Name) => ({ Name, Type: 'string' })),
      },
    })
    return made
  }

  /** As the catalogue has them, sorted by place. */
  async partitions(): Promise<readonly { readonly values: string[]; readonly location: string }[]> {
    const { Partitions } = await this.#client.sendOnce<{
      readonly Partitions: readonly {
        readonly Values: string[]
        readonly StorageDescriptor: { readonly Location: string; readonly SerdeInfo?: object }
      }[]
    }>('GetPartitions', { DatabaseName: this.database, TableName: this.table })
    return Partitions.map(({ Values, StorageDescriptor: { Location } }) => ({
      values: Values,
      location: Location,
    })).sort((a, b) => (a.location < b.location ? -1 : 1))
  }

  close(): void {
    this.#client.close()
  }
}
