import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventTime } from '../../../connectors/s3/event-time.ts'
import {
  PartitionPaths,
  type PartitionValue,
  partitionValues,
} from '../../../connectors/s3/partitions.ts'
import { askDuckDb } from '../../harness/duckdb.ts'
import { temporaryFolders } from '../temporary-folder.ts'

const newFolder = temporaryFolders()
const pathOf = (value: unknown) =>
  new PartitionPaths({ p: (one: unknown) => one as PartitionValue }).pathOf(value, 0)

describe('partitions', () => {
  it('by fields are escaped so that they are one folder, and told apart', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    fc.assert(
      fc.property(text, text, (a, b) => {
        const path = pathOf(a)
        expect(path).toMatch(/^p=[^/]+\/$/)
        expect(decodeURIComponent(path.slice(2, -1).replaceAll(/%(?![0-9A-F]{2})/g, '%25'))).toBe(a)
        expect(path === pathOf(b)).toBe(a === b)
      }),
    )
  })

  it('have the values that a table is told of them', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    const odd = fc.constantFrom('%', '%2', '%25', '%2F', '=', '/', '..', 'a=b/c', '\u0000', '%GG')
    const paths = new PartitionPaths({
      a: (value: readonly string[]) => value[0],
      b: (value: readonly string[]) => value[1],
    })
    const value = fc.oneof(text, odd)
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(partitionValues(paths.pathOf([a, b], 0))).toEqual([a, b])
      }),
    )
    expect(partitionValues('')).toEqual([])
  })

  it('are read by DuckDB as they were', async () => {
    const texts = fc.uniqueArray(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 20 }), {
      minLength: 1,
      maxLength: 20,
    })
    await fc.assert(
      fc.asyncProperty(texts, async (values) => {
        const folder = await newFolder()
        // A file system has no NUL in names, and objects in S3 are not files.
        const given = values.filter((value) => value !== '__HIVE_DEFAULT_PARTITION__')
        for (const [i, value] of given.entries()) {
          const path = join(folder, pathOf(value))
          await mkdir(path, { recursive: true })
          await writeFile(join(path, `${i}.json`), JSON.stringify({ i }))
        }
        const rows = await askDuckDb(
          `select i::int as i, p from read_json('${folder}/**/*.json', hive_partitioning = true, hive_types_autocast = false) order by i`,
        )
        expect(rows).toEqual(given.map((p, i) => ({ i, p })))
      }),
      { numRuns: 15 },
    )
  })

  it('by event time are those of UTC, whatever came before', () => {
    const time = fc.integer({ min: 0, max: 4_102_444_800_000 })
    const paths = new PartitionPaths({
      y: eventTime('year'),
      m: eventTime('month'),
      d: eventTime('day'),
      h: eventTime('hour'),
      min: eventTime('minute'),
      all: eventTime('yyyy-MM-ddTHH_mm'),
    })
    fc.assert(
      fc.property(time, (timestamp) => {
        const iso = new Date(timestamp).toISOString()
        const [y, mo, d, h, mi] = iso.split(/[-T:]/)
        expect(paths.pathOf(undefined, timestamp)).toBe(
          `y=${y}/m=${y}-${mo}/d=${y}-${mo}-${d}/h=${h}/min=${mi}/all=${y}-${mo}-${d}T${h}_${mi}/`,
        )
      }),
    )
    const close = fc.array(fc.integer({ min: -7_200_000, max: 7_200_000 }))
    fc.assert(
      fc.property(time, close, (base, steps) => {
        const days = new PartitionPaths({ h: eventTime('yyyy-MM-ddTHH') })
        for (const step of steps) {
          const timestamp = Math.max(0, base + step)
          const iso = new Date(timestamp).toISOString()
          expect(days.pathOf(undefined, timestamp)).toBe(`h=${iso.slice(0, 13)}/`)
        }
      }),
    )
  })

  it.each([
    [null, '__HIVE_DEFAULT_PARTITION__'],
    [undefined, '__HIVE_DEFAULT_PARTITION__'],
    ['', '__HIVE_DEFAULT_PARTITION__'],
    ['..', '..'],
    ['a/b', 'a%2Fb'],
    [-0, '0'],
    [1.5, '1.5'],
    [10n ** 20n, '100000000000000000000'],
    [true, 'true'],
  ])('name %s as %s', (value, name) => {
    expect(pathOf(value)).toBe(`p=${name}/`)
  })

  it.each([Number.NaN, Infinity, {}, new Date(), [], () => 1, Symbol('x'), '\ud800'])(
    'have no name for %s',
    (value) => {
      expect(() => pathOf(value)).toThrow(
        expect.objectContaining({ code: 'MR_VALUE_UNSUPPORTED', fields: { partition: 'p' } }),
      )
    },
  )

  it.each(['days', '', '--', 'yyyy/MM', 'YYYY', 5])('by event time are not of %j', (pattern) => {
    expect(() => eventTime(pattern as string)).toThrow(
      expect.objectContaining({ code: 'MR_SINK_INVALID' }),
    )
  })

  it('by event time need one that a calendar has', () => {
    const paths = new PartitionPaths({ d: eventTime('day') })
    for (const timestamp of [-Infinity, 1e15, -1e15]) {
      expect(() => paths.pathOf(undefined, timestamp)).toThrow(
        expect.objectContaining({ code: 'MR_TIMESTAMP_INVALID' }),
      )
    }
    expect(paths.pathOf(undefined, -1)).toBe('d=1969-12-31/')
  })
})
