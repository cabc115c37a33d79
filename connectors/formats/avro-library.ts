import { requirePeer } from '../../runtime/optional-peer.ts'

/** Where avsc reads and writes. */
export interface AvroTap {
  readonly buf: Buffer
  pos: number
  readLong(): number
  skipLong(): void
  writeLong(value: number): void
  writeString(value: string): void
  writeBytes(value: Uint8Array): void
  writeFixed(value: Uint8Array, length: number): void
}

/** Told of a part of a value that a type does not allow, with its path. */
export type AvroErrorHook = (path: readonly string[], value: unknown, type: AvroType) => void

/** Told of a value by the type that does not allow it. */
export type AvroHook = ((value: unknown, type: AvroType) => void) | undefined

/** The part of a type of avsc that is used here; names that begin with `_` are what its own types are made of. */
export interface AvroType {
  readonly typeName: string
  readonly name?: string
  readonly types: readonly AvroType[]
  readonly itemsType: AvroType
  readonly valuesType: AvroType
  readonly symbols: readonly string[]
  readonly size: number
  readonly recordConstructor: { prototype: unknown }
  readonly fields: readonly { readonly name: string }[]
  fromBuffer(bytes: Buffer, resolver?: unknown): unknown
  toBuffer(value: unknown): Buffer
  /** Where the value ends; below zero where that is behind the buffer, by so many bytes. */
  encode(value: unknown, buffer: Buffer, position: number): number
  createResolver(writer: AvroType, options: { readonly ignoreNamespaces: boolean }): unknown
  isValid(value: unknown, options: { readonly errorHook: AvroErrorHook }): boolean
  _branchConstructor: { prototype: unknown } | null
  _check(value: unknown, flags: unknown, hook: AvroHook, path: unknown): boolean
  _getIndex(value: unknown): number | undefined
  _read(tap: AvroTap): unknown
  _skip(tap: AvroTap): void
  _write(tap: AvroTap, value: unknown): void
}

/** Options with which avsc makes types. */
export interface AvroOptions {
  readonly registry: Record<string, AvroType>
  readonly omitRecordMethods: true
  readonly typeHook: (schema: unknown, options: AvroOptions) => AvroType | undefined
}

export type AvroClass = new (schema?: unknown, options?: unknown) => AvroType

/** The part of avsc that is used here. */
export interface AvroLibrary {
  readonly Type: { forSchema(schema: unknown, options: AvroOptions): AvroType }
  readonly types: Readonly<
    Record<
      | 'ArrayType'
      | 'BytesType'
      | 'EnumType'
      | 'FixedType'
      | 'IntType'
      | 'MapType'
      | 'RecordType'
      | 'StringType'
      | 'UnwrappedUnionType'
      | 'WrappedUnionType',
      AvroClass
    >
  > & { readonly LongType: AvroClass & { __with(methods: object): AvroType } }
}

/** Loads avsc; `MR_DEPENDENCY_MISSING` without it. */
export function loadAvro(): AvroLibrary {
  return requirePeer('avsc', 'avro()', 'write the messages as json()') as AvroLibrary
}
