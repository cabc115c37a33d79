import { askDuckDb } from '../harness/duckdb.ts'

/** The ride file as a table, by DuckDB's own reader. */
function ridesIn(path: string): string {
  const columns = {
    rideId: 'INTEGER',
    kind: 'VARCHAR',
    eventTime: 'TIMESTAMP',
    otherTime: 'TIMESTAMP',
    startLon: 'DOUBLE',
    startLat: 'DOUBLE',
    endLon: 'DOUBLE',
    endLat: 'DOUBLE',
    passengers: 'INTEGER',
    taxiId: 'INTEGER',
    driverId: 'INTEGER',
  }
  const listed = Object.entries(columns).map(([name, type]) => `'${name}': '${type}'`)
  return `read_csv('${path.replaceAll("'", "''")}', header = false, columns = {${listed.join(', ')}})`
}

const IN_NEW_YORK = `startLon BETWEEN -74.05 AND -73.7 AND startLat BETWEEN 40.5 AND 41.0
        AND endLon BETWEEN -74.05 AND -73.7 AND endLat BETWEEN 40.5 AND 41.0`

/** What each taxi job must put out, by name, asked of DuckDB: rows as JSON, sorted. */
export const EXPECTED: Readonly<Record<string, (path: string) => Promise<string[]>>> = {
  cleansing: (path) =>
    sortedRows(`
      SELECT * EXCLUDE (otherTime, eventTime), epoch_ms(eventTime)::DOUBLE AS "at" FROM ${ridesIn(path)}
      WHERE ${IN_NEW_YORK}`),

  'long-rides': (path) =>
    sortedRows(`
      WITH rides AS (FROM ${ridesIn(path)})
      SELECT e.rideId, e.taxiId, (epoch_ms(e.eventTime) - epoch_ms(s.eventTime)) / 60000 AS minutes
      FROM rides s JOIN rides e USING (rideId)
      WHERE s.kind = 'START' AND e.kind = 'END' AND e.eventTime > s.eventTime + INTERVAL 1 HOUR`),

  'popular-places': (path) => popularPlaces(path, IN_NEW_YORK),
}

/** Popular places among the rides of which a condition is true; each event is in three windows. */
export function popularPlaces(path: string, condition: string): Promise<string[]> {
  return sortedRows(`
      WITH places AS (
        SELECT kind, epoch_ms(eventTime) AS ms,
          CASE kind WHEN 'START' THEN startLon ELSE endLon END AS lon,
          CASE kind WHEN 'START' THEN startLat ELSE endLat END AS lat
        FROM ${ridesIn(path)} WHERE ${condition}),
      ends AS (
        SELECT kind, floor((74.05::DOUBLE - abs(lon)) / 0.0014::DOUBLE)::INTEGER AS x,
          floor((41::DOUBLE - lat) / 0.00125::DOUBLE)::INTEGER AS y,
          unnest([1, 2, 3]) * 300000 + ms - ms % 300000 AS "end"
        FROM places)
      SELECT kind, x, y, "end"::DOUBLE AS "end", count(*)::INTEGER AS rides
      FROM ends GROUP BY ALL HAVING rides >= 40`)
}

async function sortedRows(sql: string): Promise<string[]> {
  return asMultiset(await askDuckDb(sql))
}

/** Rows whatever the order of their fields, as sorted texts. */
export function asMultiset(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  return rows.map((row) => JSON.stringify(row, Object.keys(row).sort())).sort()
}
