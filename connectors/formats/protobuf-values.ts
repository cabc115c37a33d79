import type { DescField, DescMessage, DescOneof } from '@bufbuild/protobuf'
import { loadProtobuf } from './protobuf-library.ts'

/** A message as an object of its members. */
type Members = Record<string, unknown>

/** `ScalarType` of the library: the ones whose values it converts, or mends, without a word. */
const [BOOL, STRING, BYTES] = [8, 9, 12]
const GOOGLE = 'google.protobuf.'

/**
 * What makes plain objects of the messages of a type; undefined where they are plain already, as those of proto3 are.
 *
 * Messages of proto2, and of editions with presence, hold the defaults of unset fields in a prototype of their own, which does
 * not pass into state or to another thread. Made plain, they hold the defaults themselves.
 */
export function plainMessages(schema: DescMessage): ((message: unknown) => unknown) | undefined {
  const { create } = loadProtobuf()
  const isPlain = reachable(schema).every(
    (one) => Object.getPrototypeOf(create(one)) === Object.prototype,
  )
  return isPlain ? undefined : (message) => toPlain(schema, message as Members)
}

/** Whether messages of a type may hold bytes, which the library leaves as views of what it reads. */
export function holdsBytes(schema: DescMessage): boolean {
  return reachable(schema).some(({ fields }) => fields.some(({ scalar }) => scalar === BYTES))
}

/** A type and all that its messages may hold. */
function reachable(schema: DescMessage): readonly DescMessage[] {
  const found = new Set<DescMessage>([schema])
  for (const { fields } of found) {
    for (const field of fields) if (field.message !== undefined) found.add(field.message)
  }
  return [...found]
}

function toPlain(schema: DescMessage, message: Members): Members {
  const plain: Members = { $typeName: schema.typeName }
  for (const member of schema.members) {
    const value = message[member.localName]
    if (value === undefined) continue
    plain[member.localName] =
      member.kind === 'oneof' ? plainOneof(member, value as OneofValue) : plainField(member, value)
  }
  return plain
}

interface OneofValue {
  readonly case: string | undefined
  readonly value?: unknown
}

function plainOneof({ fields }: DescOneof, chosen: OneofValue): OneofValue {
  const field = fields.find(({ localName }) => localName === chosen.case)
  return field === undefined
    ? { case: undefined }
    : { case: chosen.case, value: plainField(field, chosen.value) }
}

function plainField(field: DescField, value: unknown): unknown {
  const { message } = field
  if (message === undefined) return value
  // A wrapper of a number or text is that itself; a Struct is any JSON.
  const one = (part: unknown) => (hasMembers(message, part) ? toPlain(message, part) : part)
  if (field.fieldKind === 'list') return (value as readonly unknown[]).map(one)
  if (field.fieldKind !== 'map') return one(value)
  return Object.fromEntries(Object.entries(value as Members).map(([key, part]) => [key, one(part)]))
}

/**
 * What is wrong with a value that the library would write in another shape than it has, with its path: something that is no
 * text where there is to be text, and the like. Wrong numbers it finds itself.
 */
export function misfit(schema: DescMessage, value: unknown, path = ''): string | undefined {
  const where = path === '' ? 'the value' : `field ${path}`
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `${where} is ${shown(value)}, where a ${schema.typeName} belongs`
  }
  const { $typeName = schema.typeName } = value as Members
  if ($typeName !== schema.typeName) {
    return `${where} is a ${String($typeName)}, where a ${schema.typeName} belongs`
  }
  for (const member of schema.members) {
    const part = (value as Members)[member.localName]
    if (part === undefined || part === null) continue
    const at = path === '' ? member.localName : `${path}.${member.localName}`
    const problem =
      member.kind === 'oneof' ? misfitOfOneof(member, part, at) : misfitOfField(member, part, at)
    if (problem !== undefined) return problem
  }
  return undefined
}

function misfitOfOneof({ fields }: DescOneof, chosen: unknown, path: string): string | undefined {
  const { case: name, value } = chosen as OneofValue
  if (name === undefined) return undefined
  const field = fields.find(({ localName }) => localName === name)
  if (field === undefined) return `field ${path} has the case ${shown(name)}, which there is not`
  return misfitOfField(field, value, path)
}

function misfitOfField(field: DescField, value: unknown, path: string): string | undefined {
  if (field.fieldKind === 'list') {
    if (!Array.isArray(value)) return `field ${path} is ${shown(value)}, where a list belongs`
    return firstOf(value.entries(), (part, i) => misfitOfOne(field, part, `${path}[${i}]`))
  }
  if (field.fieldKind === 'map') {
    if (typeof value !== 'object') return `field ${path} is ${shown(value)}, where a map belongs`
    return firstOf(Object.entries(value as object), (part, key) =>
      misfitOfOne(field, part, `${path}[${JSON.stringify(key)}]`),
    )
  }
  return misfitOfOne(field, value, path)
}

function firstOf<K>(
  parts: Iterable<readonly [K, unknown]>,
  look: (part: unknown, key: K) => string | undefined,
): string | undefined {
  for (const [key, part] of parts) {
    const problem = look(part, key)
    if (problem !== undefined) return problem
  }
  return undefined
}

function misfitOfOne(field: DescField, value: unknown, path: string): string | undefined {
  const { message, scalar } = field
  if (message !== undefined) {
    // Google's own have shapes of their own, which the library checks.
    return message.typeName.startsWith(GOOGLE) ? undefined : misfit(message, value, path)
  }
  if (scalar === STRING && !(typeof value === 'string' && value.isWellFormed())) {
    return `field ${path} is ${shown(value)}, where text belongs`
  }
  if (scalar === BOOL && typeof value !== 'boolean') {
    return `field ${path} is ${shown(value)}, where a boolean belongs`
  }
  if (scalar === BYTES && !(value instanceof Uint8Array)) {
    return `field ${path} is ${shown(value)}, where bytes belong`
  }
  return undefined
}

function hasMembers(message: DescMessage, value: unknown): value is Members {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as Members)['$typeName'] === message.typeName
  )
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string') return `${JSON.stringify(value.slice(0, 80))} (string)`
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'function' ? 'a function' : `${String(value)} (${typeof value})`
}
