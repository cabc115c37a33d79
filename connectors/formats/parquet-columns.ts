interface Primitives {
  boolean: boolean
  int32: number
  int64: number | bigint
  float: number
  double: number
  string: string
  bytes: Uint8Array
  date: Date | string | number
  timestamp: Date | number | bigint
  uuid: string
  json: unknown
}

/** Kinds of columns that hold one value. */
export type ParquetPrimitive = keyof Primitives

interface MayBeNull {
  /** Whether the value may be null or missing. Default false. */
  readonly nullable?: boolean
}

/** Exact numbers with so many digits in all, up to 38, and so many of them behind the point. */
export interface ParquetDecimal extends MayBeNull {
  readonly decimal: readonly [precision: number, scale: number]
}

export interface ParquetList extends MayBeNull {
  readonly list: ParquetColumn
}

/** Keys are texts. */
export interface ParquetMap extends MayBeNull {
  readonly map: ParquetColumn
}

export interface ParquetStruct extends MayBeNull {
  readonly struct: ParquetSchema
}

/** A column: a kind, with a question mark where it may be null or missing, or a decimal, list, map or struct of columns. */
export type ParquetColumn =
  | ParquetPrimitive
  | `${ParquetPrimitive}?`
  | ParquetDecimal
  | ParquetList
  | ParquetMap
  | ParquetStruct

/** The columns of a file by name, in order. */
export interface ParquetSchema {
  readonly [name: string]: ParquetColumn
}

declare const RECORD: unique symbol

/** The columns of a file whose records are of a type that is taken on trust. */
export interface ParquetSchemaOf<T> extends ParquetSchema {
  /** Only for type inference; never set. */
  readonly [RECORD]?: T
}

type IsNullable<C> = C extends `${string}?` | { readonly nullable: true } ? true : false

type ValueOf<C> = C extends `${infer K extends ParquetPrimitive}?`
  ? Primitives[K]
  : C extends ParquetPrimitive
    ? Primitives[C]
    : C extends ParquetDecimal
      ? string | number | bigint | Uint8Array
      : C extends { readonly list: infer E }
        ? readonly ColumnValue<E>[]
        : C extends { readonly map: infer V }
          ? ReadonlyMap<string, ColumnValue<V>> | Readonly<Record<string, ColumnValue<V>>>
          : C extends { readonly struct: infer S }
            ? FieldsOf<S>
            : never

type ColumnValue<C> = IsNullable<C> extends true ? ValueOf<C> | null | undefined : ValueOf<C>

/** Of columns that are known only when the program runs nothing more can be said. */
type FieldsOf<S> = string extends keyof S ? object : KnownFieldsOf<S>

type KnownFieldsOf<S> = {
  readonly [N in keyof S as IsNullable<S[N]> extends true ? never : N]: ValueOf<S[N]>
} & { readonly [N in keyof S as IsNullable<S[N]> extends true ? N : never]?: ColumnValue<S[N]> }

/** The record that a schema takes. */
export type ParquetRecord<S> = typeof RECORD extends keyof S
  ? NonNullable<S[typeof RECORD]>
  : FieldsOf<S>
