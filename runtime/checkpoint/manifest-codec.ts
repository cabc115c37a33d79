import { createHash } from 'node:crypto'
import { RestartableError, type StreamError } from '../errors.ts'
import type { SnapshotFiles } from './checkpoint-storage.ts'
import {
  type CheckpointManifest,
  MANIFEST_VERSION,
  type OwnStates,
  type SegmentReference,
} from './manifest.ts'
import {
  type Read,
  readManifestShape,
  ShapeError,
  stateInText,
  type StatePlace,
  stateWithin,
} from './manifest-shape.ts'
import { snapshotLabel } from './snapshot-label.ts'

/** A manifest is read whole; a longer one is no manifest of ours. */
export const MAX_MANIFEST_BYTES: number = 256 * 1_024 * 1_024

const FRAME =
  /^\{"format":"millrace-checkpoint","bytes":(\d{1,10}),"sha256":"([0-9a-f]{64})","manifest":$/

const END = '}\n'

/** All of such a manifest is JSON, with states in base64. */
const TEXT_VERSION = 1

/** Longest possible start of the file, up to the manifest itself. */
const MAX_FRAME = 160

/**
 * A manifest as it is stored: a line of JSON that anyone can read, in a frame that all versions share, and the states without keys.
 *
 * ```
 *   {"format":"millrace-checkpoint","bytes":<length of body>,"sha256":"<of body>","manifest":<body>}\n
 *   <state><state>…
 * ```
 *
 * The body begins with its `version`, so that a damaged version is told from a newer one; instead of states it has their places, and in
 * `behind` the length and the checksum of what follows the line. Fails with `MR_CHECKPOINT_FAILED` for one of more than `maxBytes`,
 * which nobody would read again.
 */
export function encodeManifest(
  manifest: CheckpointManifest,
  maxBytes: number = MAX_MANIFEST_BYTES,
): Uint8Array {
  const states = new PlacedStates()
  const placed = {
    ...manifest,
    subtasks: manifest.subtasks.map((part) => ({
      ...part,
      operatorState: states.place(part.operatorState),
    })),
    enumerators: states.place(manifest.enumerators),
  }
  const behind: Behind = { bytes: states.bytes, sha256: digest(...states.all) }
  const body = Buffer.from(JSON.stringify({ ...placed, behind }))
  const start = `{"format":"millrace-checkpoint","bytes":${body.byteLength},"sha256":"${digest(body)}","manifest":`
  const pieces = [Buffer.from(start), body, Buffer.from(END), ...states.all]
  const length = pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
  if (length > maxBytes) throw tooLarge(manifest, maxBytes)
  return Buffer.concat(pieces, length)
}

/** What follows the line. */
interface Behind {
  readonly bytes: number
  readonly sha256: string
}

/** Puts states one behind another. */
class PlacedStates {
  readonly all: Uint8Array[] = []
  bytes = 0

  place(states: OwnStates): Record<string, StatePlace> {
    const places = Object.entries(states).map(([uid, state]): [string, StatePlace] => {
      const at = this.bytes
      this.all.push(state)
      this.bytes += state.byteLength
      return [uid, { at, bytes: state.byteLength }]
    })
    return Object.fromEntries(places)
  }
}

/** What sinks and functions without keys have put into it is all of a manifest that can be large. */
function tooLarge(manifest: CheckpointManifest, maxBytes: number): StreamError {
  const all = manifest.subtasks.flatMap(({ operatorState }) => Object.entries(operatorState))
  const bytes = all.reduce((sum, [, state]) => sum + state.byteLength, 0)
  const [uid = ''] = all.toSorted((a, b) => b[1].byteLength - a[1].byteLength)[0] ?? []
  return new RestartableError(
    'MR_CHECKPOINT_FAILED',
    `${snapshotLabel(manifest)} would hold ${megabytes(bytes)} MB of records that wait to be committed and of lists without keys, most of it of "${uid}"; ` +
      `more than ${megabytes(maxBytes)} MB cannot be restored, so it is not published; take checkpoints more often (checkpointInterval), or at a lower rate.`,
    { uid, bytes, maxBytes },
  )
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1_000_000)
}

/**
 * Reads a manifest back: frame, length, checksum, version and the shape of every field. `where` names the file in errors:
 * `MR_CHECKPOINT_CORRUPT`, or `MR_CHECKPOINT_VERSION` for an intact one of another version.
 *
 * Its dictionaries have no prototype: a name like `constructor` or `__proto__` is found only if it is there (N25).
 */
export function decodeManifest(bytes: Uint8Array, where: string): CheckpointManifest {
  const { body, states } = partsOf(bytes, where)
  let data: unknown
  try {
    data = JSON.parse(body)
  } catch (error) {
    throw damaged(where, 'it is no JSON', error)
  }
  const { fields, state } = layoutOf(data, states, where)
  try {
    // Whoever writes it again writes it anew.
    return { ...readManifestShape(fields, state), version: MANIFEST_VERSION }
  } catch (error) {
    if (error instanceof ShapeError) throw damaged(where, error.message, error)
    throw error
  }
}

/**
 * Checks that every file that a manifest names exists and has its length (R27), with one look at each; the first that does
 * not is named in an `MR_CHECKPOINT_CORRUPT`.
 */
export async function validateManifestFiles(
  storage: SnapshotFiles,
  manifest: CheckpointManifest,
): Promise<void> {
  const seen = new Map<string, number>()
  for (const { vertex, subtaskIndex, segments } of manifest.subtasks) {
    const owner = `${vertex}[${subtaskIndex}]`
    const unseen = segments.filter((segment) => seen.get(segment.file) !== segment.bytes)
    for (const segment of unseen) seen.set(segment.file, segment.bytes)
    await Promise.all(unseen.map((segment) => validateFile(storage, manifest, owner, segment)))
  }
}

async function validateFile(
  storage: SnapshotFiles,
  manifest: CheckpointManifest,
  owner: string,
  { file, bytes }: SegmentReference,
): Promise<void> {
  const found = await storage.stat(file)
  if (found?.bytes === bytes) return
  const { lineage, checkpointId } = manifest
  const what = found === undefined ? 'is missing' : `has ${found.bytes} bytes instead of ${bytes}`
  throw new RestartableError(
    'MR_CHECKPOINT_CORRUPT',
    `${snapshotLabel(manifest)}: file ${file} with state of ${owner} ${what}; it cannot be restored; restore the file from a copy, or go back to another checkpoint.`,
    { lineage, checkpointId, file, bytes, found: found?.bytes },
  )
}

interface ManifestParts {
  readonly body: string
  /** All that follows the line. */
  readonly states: Uint8Array
}

function partsOf(bytes: Uint8Array, where: string): ManifestParts {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const key = whole.subarray(0, MAX_FRAME).indexOf('"manifest":')
  const start = key === -1 ? 0 : key + '"manifest":'.length
  const frame = FRAME.exec(whole.toString('latin1', 0, start))
  if (frame === null) throw damaged(where, 'it does not begin like a manifest')
  const end = start + Number(frame[1])
  const body = whole.subarray(start, end)
  if (whole.toString('latin1', end, end + END.length) !== END) {
    throw damaged(
      where,
      `its length is ${whole.byteLength} bytes where ${frame[1]} and a frame belong`,
    )
  }
  if (digest(body) !== frame[2]) throw damaged(where, 'its checksum is wrong')
  return { body: body.toString(), states: whole.subarray(end + END.length) }
}

/** What of it is the manifest, and how its states are read. */
function layoutOf(
  data: unknown,
  states: Uint8Array,
  where: string,
): { readonly fields: object; readonly state: Read<Uint8Array> } {
  if (versionOf(data, where) === TEXT_VERSION) {
    if (states.byteLength > 0) throw damaged(where, 'something follows it')
    return { fields: data as object, state: stateInText }
  }
  const { behind, ...fields } = data as { readonly behind?: Partial<Behind> | null }
  checkBehind(behind, states, where)
  return { fields, state: stateWithin(states) }
}

function checkBehind(
  behind: Partial<Behind> | null | undefined,
  states: Uint8Array,
  where: string,
): void {
  const found = states.byteLength
  if (behind?.bytes !== found) {
    throw damaged(where, `${found} bytes of states follow where ${behind?.bytes} belong`)
  }
  if (digest(states) !== behind.sha256) {
    throw damaged(where, 'the checksum of its states is wrong')
  }
}

/** One that can be read; only objects have one. */
function versionOf(data: unknown, where: string): number {
  const version = (data as { version?: unknown } | null)?.version
  if (version === MANIFEST_VERSION || version === TEXT_VERSION) return version
  if (!Number.isSafeInteger(version)) throw damaged(where, 'it has no version')
  throw new RestartableError(
    'MR_CHECKPOINT_VERSION',
    `Manifest ${where} has version ${String(version)}, this millrace reads up to version ${MANIFEST_VERSION}; the checkpoint cannot be restored; run the version of millrace that wrote it, or a later one.`,
    { file: where, version, readable: MANIFEST_VERSION },
  )
}

/** The error of a manifest that is not what was written. */
export function damaged(where: string, what: string, cause?: unknown): StreamError {
  return new RestartableError(
    'MR_CHECKPOINT_CORRUPT',
    `Manifest ${where} is damaged: ${what}; the checkpoint cannot be restored; restore the file from a copy, or go back to another checkpoint.`,
    { file: where },
    cause,
  )
}

function digest(...pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}
