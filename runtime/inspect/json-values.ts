import { StreamError } from '../errors.ts'

/*
 * Values of the type table (R18) as JSON, exactly:
 *
 *   null, true, false, text, numbers        themselves
 *   arrays, plain objects                   themselves, with their values in this form
 *   undefined                               {"$undefined":true}
 *   −0, NaN, Infinity, -Infinity            {"$number":"-0"}
 *   bigint                                  {"$bigint":"123"}
 *   Date                                    {"$date":"2024-01-01T00:00:00.000Z"}; {"$date":null} for an invalid one
 *   bytes                                   {"$bytes":"<base64>"}
 *   Map, Set                                {"$map":[[key, value], …]}, {"$set":[value, …]}
 *   objects with a name that begins with $  {"$object":[["$name", value], …]}
 *   objects without a prototype             {"$dictionary":[["name", value], …]}
 */

/** JSON as data. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** A value of the type table in the JSON form above: for `JSON.stringify`, and back with `fromJson`. */
export function toJson(value: unknown): Json {
  switch (typeof value) {
    case 'undefined':
      return { $undefined: true }
    case 'bigint':
      return { $bigint: String(value) }
    case 'number':
      if (Object.is(value, -0)) return { $number: '-0' }
      return Number.isFinite(value) ? value : { $number: String(value) }
    case 'object':
      return value === null ? null : objectToJson(value)
    default:
      return value as boolean | string
  }
}

function objectToJson(value: object): Json {
  if (Array.isArray(value)) return value.map(toJson)
  if (value instanceof Date) {
    return { $date: Number.isNaN(value.getTime()) ? null : value.toISOString() }
  }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  if (value instanceof Map) return { $map: [...value].map((pair) => pair.map(toJson)) }
  if (value instanceof Set) return { $set: [...value].map(toJson) }
  const fields = Object.entries(value).map(([name, one]): [string, Json] => [name, toJson(one)])
  if (Object.getPrototypeOf(value) === null) return { $dictionary: fields }
  if (fields.some(([name]) => name.startsWith('$'))) return { $object: fields }
  return Object.fromEntries(fields)
}

/** The value that a JSON form stands for; anything else is `MR_VALUE_UNSUPPORTED`. */
export function fromJson(json: Json): unknown {
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return (json as readonly Json[]).map(fromJson)
  const entries = Object.entries(json as { readonly [name: string]: Json })
  const [first] = entries
  if (entries.length === 1 && first![0].startsWith('$')) return marked(first![0], first![1])
  if (entries.some(([name]) => name.startsWith('$'))) throw notJson(json)
  return Object.fromEntries(entries.map(([name, one]) => [name, fromJson(one)]))
}

function marked(mark: string, json: Json): unknown {
  switch (mark) {
    case '$undefined':
      if (json !== true) throw notJson({ [mark]: json })
      return undefined
    case '$number':
      return numberOf(json)
    case '$bigint':
      if (!/^-?\d+$/.test(textOf(json))) throw notJson({ [mark]: json })
      return BigInt(textOf(json))
    case '$date':
      return dateOf(json)
    case '$bytes':
      return new Uint8Array(Buffer.from(textOf(json), 'base64'))
    case '$map':
      return new Map(pairsOf(json).map(([key, value]) => [fromJson(key), fromJson(value)]))
    case '$set':
      return new Set(listOf(json).map(fromJson))
    case '$object':
      return Object.fromEntries(fieldsOf(json))
    case '$dictionary':
      return dictionaryOf(json)
    default:
      throw notJson({ [mark]: json })
  }
}

/** Numbers that JSON has no notation for. */
const NUMBERS: ReadonlyMap<Json, number> = new Map(
  [-0, NaN, Infinity, -Infinity].map((one) => [Object.is(one, -0) ? '-0' : String(one), one]),
)

function numberOf(json: Json): number {
  const found = NUMBERS.get(json)
  if (found === undefined) throw notJson({ $number: json })
  return found
}

function dateOf(json: Json): Date {
  if (json === null) return new Date(Number.NaN)
  const date = new Date(textOf(json))
  if (Number.isNaN(date.getTime())) throw notJson({ $date: json })
  return date
}

function dictionaryOf(json: Json): Record<string, unknown> {
  const dictionary = Object.create(null) as Record<string, unknown>
  for (const [name, value] of fieldsOf(json)) dictionary[name] = value
  return dictionary
}

function fieldsOf(json: Json): [string, unknown][] {
  return pairsOf(json).map(([name, value]) => [textOf(name), fromJson(value)])
}

function textOf(json: Json): string {
  if (typeof json !== 'string') throw notJson(json)
  return json
}

function listOf(json: Json): readonly Json[] {
  if (!Array.isArray(json)) throw notJson(json)
  return json as readonly Json[]
}

function pairsOf(json: Json): (readonly [Json, Json])[] {
  return listOf(json).map((pair) => {
    const [key, value] = listOf(pair)
    if (key === undefined || value === undefined) throw notJson(pair)
    return [key, value] as const
  })
}

function notJson(json: Json): StreamError {
  const shown = JSON.stringify(json).slice(0, 80)
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `${shown} is not how a value is written as JSON; it cannot be read; docs/snapshots.md lists the forms.`,
  )
}
