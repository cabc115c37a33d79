import { isUtf8 } from 'node:buffer'
import { readSafeLong, writeSafeLong } from './avro-long.ts'
import {
  type AvroClass,
  type AvroHook,
  type AvroLibrary,
  type AvroOptions,
  type AvroTap,
  type AvroType,
  loadAvro,
} from './avro-library.ts'

/** Makes the type of a schema that avsc asks about; undefined leaves it to avsc. */
type TypeMaker = (schema: unknown, options: AvroOptions) => AvroType

let makers: ReadonlyMap<string, TypeMaker> | undefined

/**
 * The types that avsc is to use instead of its own, by the name of the Avro type.
 *
 * avsc trusts its input. Damaged bytes may make it loop for hours (an array of 2^50 items in ten bytes) or go back in the
 * buffer, text that is not UTF-8 becomes replacement characters, longs from 2^52 on may become others, and its values are
 * instances of classes, which no state and no other thread takes. Of these, only what reads and writes is replaced; schemas and their resolution are avsc's.
 */
export function avroTypeMakers(): ReadonlyMap<string, TypeMaker> {
  makers ??= makeTypes(loadAvro())
  return makers
}

function makeTypes({ Type, types }: AvroLibrary): ReadonlyMap<string, TypeMaker> {
  class SafeArray extends types.ArrayType {
    override _read(tap: AvroTap): unknown {
      const items: unknown[] = []
      for (let n = blockSize(tap); n !== 0; n = blockSize(tap)) {
        while (n-- > 0) items.push(this.itemsType._read(tap))
      }
      return items
    }

    override _skip(tap: AvroTap): void {
      this._read(tap)
    }
  }

  class SafeMap extends types.MapType {
    override _read(tap: AvroTap): unknown {
      const map: Record<string, unknown> = {}
      for (let n = blockSize(tap); n !== 0; n = blockSize(tap)) {
        while (n-- > 0) {
          const key = readText(tap)
          const value = this.valuesType._read(tap)
          if (key === '__proto__') defineOwn(map, key, value)
          else map[key] = value
        }
      }
      return map
    }

    override _skip(tap: AvroTap): void {
      this._read(tap)
    }
  }

  class SafeString extends types.StringType {
    override _read(tap: AvroTap): unknown {
      return readText(tap)
    }

    override _skip(tap: AvroTap): void {
      tap.pos += lengthOf(tap, tap.readLong())
    }

    override _check(value: unknown, _flags: unknown, hook: AvroHook): boolean {
      return checked(isText(value), value, this, hook)
    }

    override _write(tap: AvroTap, value: unknown): void {
      if (!isText(value)) throw new TypeError('no text')
      tap.writeString(value)
    }
  }

  class SafeBytes extends types.BytesType {
    override _read(tap: AvroTap): unknown {
      return readOwnBytes(tap, tap.readLong())
    }

    override _skip(tap: AvroTap): void {
      tap.pos += lengthOf(tap, tap.readLong())
    }

    override _check(value: unknown, _flags: unknown, hook: AvroHook): boolean {
      return checked(value instanceof Uint8Array, value, this, hook)
    }

    override _write(tap: AvroTap, value: unknown): void {
      if (!(value instanceof Uint8Array)) throw new TypeError('no bytes')
      tap.writeBytes(asBuffer(value))
    }
  }

  class SafeFixed extends types.FixedType {
    override _read(tap: AvroTap): unknown {
      return readOwnBytes(tap, this.size)
    }

    override _check(value: unknown, _flags: unknown, hook: AvroHook): boolean {
      return checked(isBytesOf(value, this.size), value, this, hook)
    }

    override _write(tap: AvroTap, value: unknown): void {
      if (!isBytesOf(value, this.size)) throw new TypeError('size')
      tap.writeFixed(asBuffer(value), this.size)
    }
  }

  class SafeEnum extends types.EnumType {
    override _check(value: unknown, _flags: unknown, hook: AvroHook): boolean {
      return checked(this.symbols.includes(value as string), value, this, hook)
    }

    override _write(tap: AvroTap, value: unknown): void {
      const index = this.symbols.indexOf(value as string)
      if (index === -1) throw new TypeError('no symbol')
      tap.writeLong(index)
    }
  }

  class SafeInt extends types.IntType {
    override _read(tap: AvroTap): unknown {
      const value = tap.readLong()
      if (value !== (value | 0)) throw new RangeError('an int has more than 32 bits')
      return value
    }
  }

  class SafeLong extends types.LongType {
    override _read(tap: AvroTap): unknown {
      return readSafeLong(tap)
    }

    override _check(value: unknown, _flags: unknown, hook: AvroHook): boolean {
      return checked(Number.isSafeInteger(value), value, this, hook)
    }

    override _write(tap: AvroTap, value: unknown): void {
      if (!Number.isSafeInteger(value)) throw new TypeError('no safe integer')
      writeSafeLong(tap, value as number)
    }
  }

  class SafeUnion extends types.UnwrappedUnionType {
    override _getIndex(value: unknown): number | undefined {
      return super._getIndex(value instanceof Uint8Array ? asBuffer(value) : value)
    }

    override _skip(tap: AvroTap): void {
      skipUnion(this.types, tap)
    }
  }

  class SafeWrappedUnion extends types.WrappedUnionType {
    override _skip(tap: AvroTap): void {
      skipUnion(this.types, tap)
    }
  }

  const recordOf: TypeMaker = (schema, options) => {
    const type = new types.RecordType(schema, options)
    if (type.fields.some(({ name }) => name === '__proto__')) {
      throw new Error(`record ${type.name} has a field named __proto__, which no object can hold`)
    }
    // What it makes are plain objects by that: nothing else passes between threads or into state.
    type.recordConstructor.prototype = Object.prototype
    return type
  }
  const ofClass =
    (made: AvroClass): TypeMaker =>
    (schema, options) =>
      new made(schema, options)
  return new Map<string, TypeMaker>([
    ['array', ofClass(SafeArray)],
    ['map', ofClass(SafeMap)],
    ['string', ofClass(SafeString)],
    ['bytes', ofClass(SafeBytes)],
    ['fixed', ofClass(SafeFixed)],
    ['enum', ofClass(SafeEnum)],
    ['int', ofClass(SafeInt)],
    ['long', ofClass(SafeLong)],
    ['record', recordOf],
    // An exception of a protocol, which is a record as well.
    ['error', recordOf],
    [
      'union',
      (schema, options) => {
        const branches = (schema as readonly unknown[]).map((one) => Type.forSchema(one, options))
        const union = tryUnwrapped(() => new SafeUnion(branches, options))
        if (union !== undefined) return union
        for (const { _branchConstructor: made } of branches) {
          if (made !== null) made.prototype = Object.prototype
        }
        return new SafeWrappedUnion(branches, options)
      },
    ],
  ])
}

/** A union whose branches can be told apart by the JavaScript value; undefined where each needs its name around it. */
function tryUnwrapped(make: () => AvroType): AvroType | undefined {
  try {
    return make()
  } catch (error) {
    if (/ambiguous unwrapped union/.test((error as Error).message)) return undefined
    throw error
  }
}

/** Items of the next block of an array or map: never more than bytes that are left, so that damage cannot make it endless. */
function blockSize(tap: AvroTap): number {
  let count = tap.readLong()
  if (count < 0) {
    count = -count
    tap.skipLong()
  }
  const left = tap.buf.length - tap.pos
  if (count > 0 && count > left) {
    throw new RangeError(`an array or map of ${count} items has ${Math.max(0, left)} bytes`)
  }
  return count
}

function lengthOf(tap: AvroTap, length: number): number {
  if (length >= 0 && length <= tap.buf.length - tap.pos) return length
  throw new RangeError('it ends too early')
}

function readText(tap: AvroTap): string {
  const length = lengthOf(tap, tap.readLong())
  const start = tap.pos
  tap.pos += length
  const text = tap.buf.toString('utf8', start, tap.pos)
  if (text.includes('\ufffd') && !isUtf8(tap.buf.subarray(start, tap.pos))) {
    throw new RangeError('a text is not valid UTF-8')
  }
  return text
}

function readOwnBytes(tap: AvroTap, size: number): Uint8Array {
  const start = tap.pos
  tap.pos += lengthOf(tap, size)
  return new Uint8Array(tap.buf.subarray(start, tap.pos))
}

function skipUnion(branches: readonly AvroType[], tap: AvroTap): void {
  const branch = branches[tap.readLong()]
  if (branch === undefined) throw new RangeError('a union has no such branch')
  branch._skip(tap)
}

/** Tells the hook of avsc, where there is one, of a value that a type does not allow. */
function checked(isAllowed: boolean, value: unknown, type: AvroType, hook: AvroHook): boolean {
  if (!isAllowed) hook?.(value, type)
  return isAllowed
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed()
}

function isBytesOf(value: unknown, size: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === size
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function defineOwn(map: object, key: string, value: unknown): void {
  Object.defineProperty(map, key, { value, configurable: true, enumerable: true, writable: true })
}
