import type { LineagePoint } from '../sink.ts'
import { OPERATOR_STATE_KINDS } from '../state/operator-state.ts'
import { STATE_KINDS } from '../state/state.ts'
import { isNameWithin, MAX_CHECKPOINT_ID } from './file-names.ts'
import type {
  CheckpointManifest,
  ManifestOperator,
  ManifestState,
  ManifestSubtask,
  SegmentReference,
} from './manifest.ts'

/** What is wrong with the shape of a manifest, and where. */
export class ShapeError extends Error {}

/** Reads a value of one type, or throws a `ShapeError` that names `path`. */
export type Read<T> = (value: unknown, path: string) => T

/** Key groups are numbered in 16 bits, half of which Flink uses. */
const MAX_PARALLELISM = 32_768
const MAX_STATE_ID = 65_535
const MAX_STATE_VERSION = 65_535

/**
 * Builds a manifest from parsed JSON that anyone may have written: each field is there and has its type and bounds, nothing else is
 * there, numbers and names fit together (N25). It shares nothing with the data that can be changed. `state` reads what stands for a state.
 */
export function readManifestShape(data: unknown, state: Read<Uint8Array>): CheckpointManifest {
  const manifest = manifestShape(state)(data, 'manifest')
  checkDistinct(
    manifest.states.map((state) => state.stateId),
    'manifest.states',
  )
  checkDistinct(
    manifest.subtasks.map((part) => `${part.vertex}/${part.subtaskIndex}`),
    'manifest.subtasks',
  )
  for (const { vertex, segments } of manifest.subtasks) {
    for (const { range } of segments) {
      if (range.first > range.last || range.last >= manifest.maxParallelism) {
        throw new ShapeError(
          `key groups ${range.first} to ${range.last} of "${vertex}" do not exist`,
        )
      }
    }
  }
  return manifest
}

const text: Read<string> = (value, path) => {
  if (typeof value !== 'string') throw wrong(path, 'a string', value)
  return value
}

const truth: Read<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw wrong(path, 'true or false', value)
  return value
}

function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): Read<number> {
  return (value, path) => {
    if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) {
      throw wrong(path, `an integer from ${least} to ${most}`, value)
    }
    return value as number
  }
}

function oneOf<const T extends string>(...choices: readonly T[]): Read<T> {
  return (value, path) => {
    if (!choices.includes(value as T)) throw wrong(path, `one of ${choices.join(', ')}`, value)
    return value as T
  }
}

const yes: Read<true> = (value, path) => {
  if (value !== true) throw wrong(path, 'true', value)
  return value
}

function list<T>(read: Read<T>): Read<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, 'a list', value)
    return value.map((item, index) => read(item, `${path}[${index}]`))
  }
}

function dictionary<T>(read: Read<T>): Read<Record<string, T>> {
  return (value, path) => {
    const result = Object.create(null) as Record<string, T>
    for (const [name, item] of Object.entries(plainObject(value, path))) {
      result[name] = read(item, `${path}[${JSON.stringify(name)}]`)
    }
    return result
  }
}

type Fields<T> = { readonly [K in keyof T]-?: Read<NonNullable<T[K]>> }

/** An object with these fields and no other; those in `optional` may be missing. */
function shape<T extends object>(fields: Fields<T>, optional: readonly (keyof T)[] = []): Read<T> {
  const names = Object.keys(fields) as (keyof T & string)[]
  return (value, path) => {
    const object = plainObject(value, path)
    for (const name of Object.keys(object)) {
      if (!Object.hasOwn(fields, name))
        throw new ShapeError(`${path} has a field ${JSON.stringify(name)}`)
    }
    const result: Partial<T> = {}
    for (const name of names) {
      if (Object.hasOwn(object, name)) result[name] = fields[name](object[name], `${path}.${name}`)
      else if (!optional.includes(name)) throw new ShapeError(`${path}.${name} is missing`)
    }
    return result as T
  }
}

function plainObject(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(path, 'an object', value)
  }
  return value as Record<string, unknown>
}

function wrong(path: string, wanted: string, value: unknown): ShapeError {
  const shown = (JSON.stringify(value) ?? 'undefined').slice(0, 40)
  return new ShapeError(`${path} is ${shown}, not ${wanted}`)
}

function checkDistinct(values: readonly (string | number)[], path: string): void {
  if (new Set(values).size !== values.length) throw new ShapeError(`${path} names something twice`)
}

const fileName: Read<string> = (value, path) => {
  const name = text(value, path)
  if (!isNameWithin(name)) throw wrong(path, 'a name within the storage', name)
  return name
}

const watermark: Read<number | null | 'max'> = (value, path) => {
  if (value === null || value === 'max' || Number.isSafeInteger(value)) {
    return value as number | null | 'max'
  }
  throw wrong(path, 'a watermark', value)
}

const earlierWatermark: Read<number | null> = (value, path) => {
  const found = watermark(value, path)
  if (found === 'max') throw wrong(path, 'a watermark before the final one', value)
  return found
}

const parameter: Read<string | number | boolean> = (value, path) => {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value
  }
  throw wrong(path, 'a parameter', value)
}

const keyGroup = integer(0, MAX_PARALLELISM - 1)
const parallelism = integer(1, MAX_PARALLELISM)
const checkpointId = integer(1, MAX_CHECKPOINT_ID)

const segmentShape = shape<SegmentReference>(
  {
    file: fileName,
    bytes: integer(0),
    entries: integer(0),
    range: shape<SegmentReference['range']>({ first: keyGroup, last: keyGroup }),
    rangeBytes: integer(0),
    versions: dictionary(integer(1, MAX_STATE_VERSION)),
  },
  ['rangeBytes', 'versions'],
)

/** Where a state stands among all of a manifest. */
export interface StatePlace {
  readonly at: number
  readonly bytes: number
}

const placeShape = shape<StatePlace>({ at: integer(0), bytes: integer(0) })

/** Reads the place of a state as the state, which gets memory of its own: no byte is of two states. */
export function stateWithin(states: Uint8Array): Read<Uint8Array> {
  let left = states.byteLength
  return (value, path) => {
    const { at, bytes } = placeShape(value, path)
    left -= bytes
    if (at + bytes > states.byteLength || left < 0) {
      throw wrong(path, `a place among ${states.byteLength} bytes`, value)
    }
    return new Uint8Array(states.subarray(at, at + bytes))
  }
}

/** Reads a state in base64, as version 1 has it. */
export const stateInText: Read<Uint8Array> = (value, path) =>
  new Uint8Array(Buffer.from(text(value, path), 'base64'))

const subtaskShape = (state: Read<Uint8Array>): Read<ManifestSubtask> =>
  shape<ManifestSubtask>(
    {
      vertex: text,
      subtaskIndex: keyGroup,
      segments: list(segmentShape),
      operatorState: dictionary(state),
      watermarks: dictionary(watermark),
      isFinished: truth,
      isDrained: yes,
      beforeFinal: dictionary(earlierWatermark),
    },
    ['isDrained', 'beforeFinal'],
  )

const stateShape = shape<ManifestState>(
  {
    stateId: integer(1, MAX_STATE_ID),
    uid: text,
    name: text,
    kind: oneOf(...STATE_KINDS, ...OPERATOR_STATE_KINDS, 'timers', 'broadcast'),
    version: integer(0),
    isDropped: yes,
  },
  ['isDropped'],
)

const operatorShape = shape<ManifestOperator>(
  { uid: text, name: text, kind: text, parallelism, identity: dictionary(text) },
  ['identity'],
)

const manifestShape = (state: Read<Uint8Array>): Read<CheckpointManifest> =>
  shape<CheckpointManifest>({
    version: integer(1),
    millrace: text,
    job: text,
    lineage: text,
    checkpointId,
    kind: oneOf('checkpoint', 'stop', 'final', 'savepoint'),
    ancestry: list(shape<LineagePoint>({ lineage: text, checkpointId })),
    createdAt: integer(0),
    params: dictionary(parameter),
    workingDirectory: text,
    sources: dictionary(text),
    parallelism,
    maxParallelism: parallelism,
    operators: list(operatorShape),
    states: list(stateShape),
    subtasks: list(subtaskShape(state)),
    enumerators: dictionary(state),
  })
