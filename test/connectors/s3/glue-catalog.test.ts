import { describe, expect, it } from 'vitest'
import { json } from '../../../connectors/json-format.ts'
import { GlueCatalog, type GlueClient } from '../../../connectors/s3/glue-catalog.ts'
import { checkGlueTable } from '../../../connectors/s3/glue-options.ts'
import { s3Sink } from '../../../connectors/s3/s3-sink.ts'
import type { AwsCall } from '../../../runtime/aws/aws-client.ts'
import type { SdkError } from '../../../runtime/aws/aws-errors.ts'

const OPTIONS = { database: 'lake', table: 'clicks', catalogId: '123456789012' }
const STORAGE = { Location: 's3://lake/clicks', InputFormat: 'text', Columns: [] }

interface CreateInput {
  readonly PartitionInputList: readonly { readonly Values: readonly string[] }[]
}

/** Glue with a list of partitions; as the client of AWS does, it takes the failures that answers tell of for failures. */
class FakeGlue implements GlueClient {
  readonly sent: [command: string, input: object][] = []
  readonly partitions: Set<string> = new Set()
  /** Fails whole requests for partitions that are there, instead of telling of each. */
  throwsForKnown = false
  /** The answer about a partition. */
  refuses: (values: string) => string | undefined = () => undefined
  failure: SdkError | undefined

  async send<Output>(command: string, input: object, call: AwsCall): Promise<Output> {
    this.sent.push([command, input])
    if (this.failure !== undefined) throw this.#handed(this.failure, call)
    if (command === 'GetTable') {
      const PartitionKeys = [{ Name: 'dt' }, { Name: 'country' }]
      return { Table: { StorageDescriptor: STORAGE, PartitionKeys } } as Output
    }
    const Errors: object[] = []
    for (const { Values } of (input as CreateInput).PartitionInputList) {
      const key = Values.join('/')
      const isKnown = this.partitions.has(key)
      if (isKnown && this.throwsForKnown) throw this.#handed(named('AlreadyExistsException'), call)
      const ErrorCode = isKnown ? 'AlreadyExistsException' : this.refuses(key)
      if (ErrorCode === undefined) this.partitions.add(key)
      else Errors.push({ PartitionValues: Values, ErrorDetail: { ErrorCode, ErrorMessage: 'no' } })
    }
    const failure = call.failureOf?.({ Errors })
    if (failure !== undefined) throw this.#handed(failure, call)
    return { Errors } as Output
  }

  close(): void {}

  #handed(error: SdkError, call: AwsCall): Error {
    return call.handsOn?.(error) === true ? error : new Error(`not handed on: ${error.name}`)
  }
}

function named(name: string): SdkError {
  return Object.assign(new Error('as the service says'), { name })
}

function start() {
  const glue = new FakeGlue()
  return { glue, catalog: new GlueCatalog(glue, checkGlueTable(OPTIONS, {})) }
}

const partition = (n: number) => ({ values: ['1', `${n}`], location: `s3://lake/clicks/${n}/` })

describe('a table of Glue', () => {
  it('is described by its place, its partitions and how it is read', async () => {
    const { glue, catalog } = start()
    expect(await catalog.describe()).toEqual({
      location: 's3://lake/clicks',
      partitionKeys: ['dt', 'country'],
      storage: STORAGE,
    })
    const input = { DatabaseName: 'lake', CatalogId: '123456789012', Name: 'clicks' }
    expect(glue.sent).toEqual([['GetTable', input]])
  })

  it('gets partitions that are read as the table is, from a place of their own', async () => {
    const { glue, catalog } = start()
    await catalog.createPartitions(await catalog.describe(), [partition(1)])
    const Location = 's3://lake/clicks/1/'
    expect(glue.sent[1]).toEqual([
      'BatchCreatePartition',
      {
        DatabaseName: 'lake',
        CatalogId: '123456789012',
        TableName: 'clicks',
        PartitionInputList: [{ Values: ['1', '1'], StorageDescriptor: { ...STORAGE, Location } }],
      },
    ])
  })

  it.each([false, true])(
    'gets 100 partitions a request, whichever are there already; thrown: %s',
    async (throwsForKnown) => {
      const { glue, catalog } = start()
      glue.throwsForKnown = throwsForKnown
      for (const n of [0, 7, 8, 99, 150, 249]) glue.partitions.add(`1/${n}`)
      const all = Array.from({ length: 250 }, (_, n) => partition(n))
      await catalog.createPartitions(await catalog.describe(), all)
      expect(glue.partitions.size).toBe(250)
      const sizes = glue.sent
        .slice(1)
        .map(([, input]) => (input as CreateInput).PartitionInputList.length)
      expect(Math.max(...sizes)).toBe(100)
      expect(sizes.length).toBe(throwsForKnown ? sizes.length : 3)
    },
  )

  it('fails where one partition is refused, be it the last', async () => {
    const { glue, catalog } = start()
    glue.partitions.add('1/0')
    glue.refuses = (key) => (key === '1/9' ? 'InternalServiceException' : undefined)
    const all = Array.from({ length: 10 }, (_, n) => partition(n))
    const created = catalog.createPartitions(await catalog.describe(), all)
    await expect(created).rejects.toThrow('not handed on: InternalServiceException')
  })

  it('that is missing is said with the way out, at the start and later', async () => {
    const { glue, catalog } = start()
    const table = await catalog.describe()
    glue.failure = named('EntityNotFoundException')
    const missing = {
      code: 'MR_AWS_MISSING',
      message: expect.stringMatching(/"lake\.clicks".*CREATE EXTERNAL TABLE/) as string,
    }
    await expect(catalog.describe()).rejects.toMatchObject(missing)
    await expect(catalog.createPartitions(table, [partition(1)])).rejects.toMatchObject(missing)
  })
})

describe('glue of s3Sink', () => {
  const sink = (options: object) =>
    s3Sink<object>({
      path: 's3://lake/clicks',
      region: 'eu-central-1',
      format: json(),
      partitions: { c: () => 1 },
      ...options,
    })

  it.each([
    [{ glue: { database: '', table: 'clicks' } }, 'glue.database'],
    [{ glue: { database: 'lake' } }, 'glue.table'],
    [{ glue: { ...OPTIONS, catalogId: 5 } }, 'glue.catalogId'],
    [{ glue: { ...OPTIONS, database_name: 'x' } }, 'database_name'],
    [{ glue: { ...OPTIONS, region: 'EU' } }, 'region'],
    [{ glue: OPTIONS, partitions: {} }, 'glue'],
  ])('refuses %j', (options, option) => {
    expect(() => sink(options)).toThrow(
      expect.objectContaining({
        code: 'MR_SINK_INVALID',
        fields: expect.objectContaining({ option }),
      }),
    )
  })

  it('is reached as S3 is where nothing else is given, but at an address of its own', () => {
    const s3 = { region: 'eu-central-1', endpoint: 'http://s3', retryTimeout: '5s' } as const
    expect(checkGlueTable(OPTIONS, s3)).toMatchObject({
      connection: { region: 'eu-central-1', endpoint: undefined, retryTimeoutMs: 5_000 },
    })
    const own = { ...OPTIONS, region: 'us-east-1', endpoint: 'http://glue' }
    expect(checkGlueTable(own, s3).connection).toMatchObject({
      region: 'us-east-1',
      endpoint: 'http://glue',
      retryTimeoutMs: 5_000,
    })
  })
})
