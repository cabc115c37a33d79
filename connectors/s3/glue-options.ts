import {
  AWS_CONNECTION_NAMES,
  type AwsConnection,
  type CheckedAwsConnection,
  checkAwsConnection,
} from '../../runtime/aws/aws-connection.ts'
import { givenText, StreamError } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'

/**
 * The table of the Glue catalogue over the objects of a sink.
 *
 * Glue is reached as S3 is, but for the `endpoint`: that is given here, or by `AWS_ENDPOINT_URL_GLUE` or `AWS_ENDPOINT_URL`.
 */
export interface GlueTable extends AwsConnection {
  readonly database: string
  readonly table: string
  /** The account whose catalogue it is, if it is another one than that of the credentials. */
  readonly catalogId?: string
}

const GLUE_TABLE: OptionNames<GlueTable> = {
  ...AWS_CONNECTION_NAMES,
  database: true,
  table: true,
  catalogId: true,
}

/** A checked table, with all defaults. */
export interface CheckedGlueTable {
  readonly connection: CheckedAwsConnection
  /** What each request names it by. */
  readonly input: {
    readonly DatabaseName: string
    readonly CatalogId?: string
  }
  readonly table: string
}

/** Fails with `MR_SINK_INVALID`; what is not given of the connection is that of the sink. */
export function checkGlueTable(given: GlueTable, sink: AwsConnection): CheckedGlueTable {
  const where = 's3Sink(): glue'
  checkOptionNames(given, GLUE_TABLE, where, 'MR_SINK_INVALID')
  const { database, table, catalogId } = given
  const check = (option: string, isGood: boolean, found: unknown, wanted: string): void => {
    if (isGood) return
    throw new StreamError(
      'MR_SINK_INVALID',
      `${where}: ${option} is ${givenText(found)} (${typeof found}), so no table can be found; give ${wanted}.`,
      { option: `glue.${option}` },
    )
  }
  const isName = (name: unknown): boolean => typeof name === 'string' && name !== ''
  check('database', isName(database), database, 'the name of a database of Glue')
  check('table', isName(table), table, 'the name of a table of that database')
  const isId = catalogId === undefined || isName(catalogId)
  check('catalogId', isId, catalogId, 'the id of an account, such as "123456789012"')
  const { region, credentials, requestTimeout, retryTimeout } = sink
  const inherited = { region, credentials, requestTimeout, retryTimeout }
  const own = Object.entries(given).filter(([, value]) => value !== undefined)
  const both = Object.entries(inherited).filter(([, value]) => value !== undefined)
  const connection = Object.fromEntries([...both, ...own]) as AwsConnection
  return {
    connection: checkAwsConnection(connection, where, 'MR_SINK_INVALID'),
    input: {
      DatabaseName: database,
      ...(catalogId === undefined ? {} : { CatalogId: catalogId }),
    },
    table,
  }
}
