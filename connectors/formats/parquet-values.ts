import { givenText, StreamError, thrownText } from '../../runtime/errors.ts'
import { encodeJson } from '../json-write.ts'
import { unscaledOf } from './parquet-decimal.ts'
import type { CheckedColumn } from './parquet-schema.ts'

/** Turns a value of a record into what the library takes; fails with `MR_VALUE_UNSUPPORTED` where it does not fit its column. */
export type ParquetConvert = (value: unknown) => unknown

/** Adds up, about, how many bytes converted values come to. */
export interface SizeMeter {
  bytes: number
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const ISO_DATE = /^\d{4}-\d\d-\d\d$/
const DAY_MS = 86_400_000
const INT32 = 2 ** 31
const INT64 = 2n ** 63n

/** What converts the values of a column; `path` is where it is in the record. */
export function converterOf(column: CheckedColumn, path: string, meter: SizeMeter): ParquetConvert {
  const convert = requiredConverter(column, path, meter)
  const { isNullable } = column
  return (value) => {
    if (value !== null && value !== undefined) return convert(value)
    if (!isNullable) throw misfit(path, value, 'a value belongs, as the column is not nullable')
    return undefined
  }
}

function requiredConverter(column: CheckedColumn, path: string, meter: SizeMeter): ParquetConvert {
  switch (column.kind) {
    case 'list':
      return listConverter(column.element, path, meter)
    case 'map':
      return mapConverter(column.element, path, meter)
    case 'struct':
      return structConverter(column.fields, path, meter)
    case 'decimal':
      return decimalConverter(column, path, meter)
    default:
      return primitiveConverter(column.kind, path, meter)
  }
}

function primitiveConverter(kind: string, path: string, meter: SizeMeter): ParquetConvert {
  const fixed = (bytes: number, convert: ParquetConvert): ParquetConvert => {
    return (value) => {
      const converted = convert(value)
      meter.bytes += bytes
      return converted
    }
  }
  switch (kind) {
    case 'boolean':
      return fixed(1, (value) => {
        if (typeof value !== 'boolean') throw misfit(path, value, 'a boolean belongs')
        return value
      })
    case 'int32':
      return fixed(4, (value) => {
        const isInt32 = Number.isInteger(value) && (value as number) >= -INT32
        if (!isInt32 || (value as number) >= INT32) throw misfit(path, value, 'an int32 belongs')
        return value
      })
    case 'int64':
      return fixed(8, (value) => toInt64(value, path))
    case 'float':
    case 'double':
      return fixed(8, (value) => {
        if (typeof value !== 'number') throw misfit(path, value, 'a number belongs')
        return value
      })
    case 'date':
      return fixed(4, (value) => toDays(value, path))
    case 'timestamp':
      return fixed(8, (value) => {
        const isTime = value instanceof Date || typeof value === 'bigint'
        const ms = isTime ? Number(value) : value
        if (!Number.isSafeInteger(ms)) {
          throw misfit(path, value, 'a Date or whole milliseconds since the epoch belong')
        }
        return BigInt(ms as number)
      })
    case 'uuid':
      return fixed(16, (value) => {
        if (typeof value !== 'string' || !UUID.test(value)) {
          throw misfit(path, value, 'a UUID as text belongs')
        }
        return value
      })
    case 'bytes':
      return (value) => {
        if (!(value instanceof Uint8Array)) throw misfit(path, value, 'bytes belong')
        meter.bytes += value.byteLength
        return value
      }
    case 'json':
      return (value) => {
        const bytes = Buffer.from(toJson(value, path))
        meter.bytes += bytes.byteLength
        return bytes
      }
    default:
      return (value) => {
        if (typeof value !== 'string') throw misfit(path, value, 'a text belongs')
        if (!value.isWellFormed()) {
          throw misfit(path, value, 'UTF-8 belongs, which has no half of a surrogate pair')
        }
        meter.bytes += value.length
        return value
      }
  }
}

function listConverter(element: CheckedColumn, path: string, meter: SizeMeter): ParquetConvert {
  const convert = converterOf(element, `${path}[]`, meter)
  return (value) => {
    if (!Array.isArray(value)) throw misfit(path, value, 'an array belongs')
    return value.map(convert)
  }
}

function mapConverter(element: CheckedColumn, path: string, meter: SizeMeter): ParquetConvert {
  const key = primitiveConverter('string', `${path}: a key`, meter)
  const convert = converterOf(element, `${path}{}`, meter)
  return (value) => {
    const isPlain = typeof value === 'object' && !Array.isArray(value)
    if (!isPlain) throw misfit(path, value, 'a Map or an object belongs')
    const entries = value instanceof Map ? [...value] : Object.entries(value as object)
    return entries.map(([name, one]) => ({ key: key(name), value: convert(one) }))
  }
}

function structConverter(
  fields: readonly CheckedColumn[],
  path: string,
  meter: SizeMeter,
): ParquetConvert {
  const converters = fields.map(
    (field) => [field.name, converterOf(field, `${path}.${field.name}`, meter)] as const,
  )
  return (value) => {
    if (typeof value !== 'object' || Array.isArray(value)) {
      throw misfit(path, value, 'an object belongs')
    }
    const struct: Record<string, unknown> = {}
    for (const [name, convert] of converters) {
      struct[name] = convert((value as Record<string, unknown>)[name])
    }
    return struct
  }
}

function decimalConverter(
  { precision, scale }: { readonly precision: number; readonly scale: number },
  path: string,
  meter: SizeMeter,
): ParquetConvert {
  const limit = 10n ** BigInt(precision)
  const wanted = `a decimal of ${precision} digits with up to ${scale} behind the point belongs`
  return (value) => {
    const unscaled = unscaledOf(value, scale)
    if (unscaled === undefined || unscaled >= limit || unscaled <= -limit) {
      throw misfit(path, value, wanted)
    }
    meter.bytes += 16
    return unscaled
  }
}

function toInt64(value: unknown, path: string): bigint {
  if (Number.isSafeInteger(value)) return BigInt(value as number)
  if (typeof value === 'bigint' && value >= -INT64 && value < INT64) return value
  throw misfit(path, value, 'an int64 belongs: a bigint, or a whole number up to 2^53')
}

function toDays(value: unknown, path: string): number {
  if (Number.isInteger(value) && Math.abs(value as number) < INT32) return value as number
  const isText = typeof value === 'string' && ISO_DATE.test(value)
  const ms =
    value instanceof Date ? value.getTime() : isText ? Date.parse(value as string) : Number.NaN
  // Date.parse takes the 31st of February for the 3rd of March.
  const isDay = !isText || (ms === ms && new Date(ms).toISOString().startsWith(value as string))
  const days = Math.floor(ms / DAY_MS)
  if (!isDay || !Number.isInteger(days))
    throw misfit(path, value, 'a Date, "2026-11-22" or whole days since the epoch belong')
  return days
}

function toJson(value: unknown, path: string): string {
  try {
    return encodeJson(value)
  } catch (error) {
    throw misfit(path, value, `JSON belongs (${thrownText(error)})`)
  }
}

/** The error of a value that does not fit its column. */
export function misfit(path: string, value: unknown, why: string): StreamError {
  const isObject = typeof value === 'object' && value !== null
  const name = isObject ? (Object.getPrototypeOf(value)?.constructor?.name ?? 'object') : ''
  const shown = isObject
    ? `a value of type ${name}`
    : `${givenText(value).slice(0, 80)} (${typeof value})`
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `parquet(): ${path === '' ? 'the record' : `column ${path}`} is ${shown}, where ${why}; the record cannot be written; convert it ` +
      `before the sink, or change the schema of parquet().`,
    { path, type: typeof value },
  )
}
