import { createHash } from 'node:crypto'
import { StreamError } from '../errors.ts'
import type { LineagePoint } from '../sink.ts'
import type { JobRecord, LineageOrigin, LineageRecord } from './lineage.ts'

/** Version of the layout of `job.json`. */
const RECORD_VERSION = 1

type Fail = (what: string) => never

/** What `job.json` holds: the record and a checksum over it. */
export function encodeJobRecord(record: JobRecord): string {
  return `${JSON.stringify({ version: RECORD_VERSION, checksum: checksumOf(record), ...record }, undefined, 2)}\n`
}

/**
 * Reads `job.json` back; anything that is not exactly what was written fails with `MR_DIRECTORY_UNUSABLE`: going on from
 * a guess could put output out twice.
 */
export function decodeJobRecord(text: string, path: string): JobRecord {
  const fail: Fail = (what) => {
    throw new StreamError(
      'MR_DIRECTORY_UNUSABLE',
      `${path} is damaged: ${what}; it says which checkpoints the job goes on from, so the job cannot resume; restore the file from a copy, start from a checkpoint with --from and another --dir, or start over with --fresh.`,
      { path },
    )
  }
  const data = object(parse(text, fail), 'the file', fail)
  if (data['version'] !== RECORD_VERSION) fail(`its version is ${JSON.stringify(data['version'])}`)
  const lineages = array(data['lineages'], 'lineages', fail).map((one) => decodeLineage(one, fail))
  const current = textOf(data['current'], 'current', fail)
  if (lineages.filter((one) => one.lineage === current).length !== 1) fail('current is no lineage')
  const record = { job: textOf(data['job'], 'job', fail), current, lineages }
  if (data['checksum'] !== checksumOf(record)) fail('its checksum is wrong')
  return record
}

function checksumOf(record: JobRecord): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('hex')
}

function decodeLineage(data: unknown, fail: Fail): LineageRecord {
  const one = object(data, 'a lineage', fail)
  const { origin, committed } = one
  return {
    lineage: textOf(one['lineage'], 'lineage', fail),
    ancestry: array(one['ancestry'], 'ancestry', fail).map((point) => decodePoint(point, fail)),
    origin: origin === undefined ? undefined : decodeOrigin(origin, fail),
    committed: committed === undefined ? undefined : idOf(committed, 'committed', fail),
    abandoned: array(one['abandoned'], 'abandoned', fail).map((id) => idOf(id, 'abandoned', fail)),
  }
}

function decodeOrigin(data: unknown, fail: Fail): LineageOrigin {
  const one = object(data, 'origin', fail)
  return {
    point: decodePoint(one['point'], fail),
    directory: textOf(one['directory'], 'directory', fail),
    ...(one['isClaimed'] === true ? { isClaimed: true } : {}),
  }
}

function decodePoint(data: unknown, fail: Fail): LineagePoint {
  const one = object(data, 'a point of the ancestry', fail)
  return {
    lineage: textOf(one['lineage'], 'lineage', fail),
    checkpointId: idOf(one['checkpointId'], 'checkpointId', fail),
  }
}

function parse(text: string, fail: Fail): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return fail((error as Error).message)
  }
}

function object(value: unknown, where: string, fail: Fail): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    fail(`${where} is no object`)
  return value as Record<string, unknown>
}

function array(value: unknown, where: string, fail: Fail): unknown[] {
  if (!Array.isArray(value)) fail(`${where} is no list`)
  return value as unknown[]
}

function textOf(value: unknown, where: string, fail: Fail): string {
  if (typeof value !== 'string' || value === '') fail(`${where} is no text`)
  return value as string
}

function idOf(value: unknown, where: string, fail: Fail): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) fail(`${where} is no checkpoint id`)
  return value as number
}
