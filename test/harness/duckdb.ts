import { DuckDBInstance } from '@duckdb/node-api'

/** The rows that DuckDB answers with, as plain data; integers of 64 bits are texts in it, so cast them. */
export async function askDuckDb(
  sql: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const reader = await connection.runAndReadAll(sql)
    return reader.getRowObjectsJson()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
