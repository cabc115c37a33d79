import { createHash } from 'node:crypto'
import { StreamError } from '../errors.ts'
import type { JobHead } from './job-head.ts'
import { decodeJobRecord, encodeJobRecord } from './job-record.ts'

/** Version of the layout of `job.json` in an object store. */
const HEAD_VERSION = 1

/** What the object holds: the head and a checksum over it. */
export function encodeJobHead(head: JobHead): Uint8Array {
  const body = bodyOf(head)
  const checksum = checksumOf(body)
  return Buffer.from(
    `${JSON.stringify({ version: HEAD_VERSION, checksum, ...body }, undefined, 2)}\n`,
  )
}

/**
 * Reads it back; anything that is not exactly what was written fails with `MR_DIRECTORY_UNUSABLE`: going on from a guess could
 * put output out twice. `where` names the object.
 */
export function decodeJobHead(bytes: Uint8Array, where: string): JobHead {
  const fail = (what: string, cause?: unknown): never => {
    throw new StreamError(
      'MR_DIRECTORY_UNUSABLE',
      `${where} is damaged: ${what}; it says which checkpoints count and which of them the job goes on from, so the job cannot resume; restore the object from an earlier version or a copy, or give another --dir.`,
      { path: where },
      cause,
    )
  }
  let data: unknown
  try {
    data = JSON.parse(Buffer.from(bytes).toString())
  } catch (error) {
    return fail((error as Error).message, error)
  }
  if (typeof data !== 'object' || data === null) return fail('it is no object')
  const { version, checksum, ...body } = data as Record<string, unknown>
  if (version !== HEAD_VERSION) fail(`its version is ${JSON.stringify(version)}`)
  if (checksum !== checksumOf(body)) fail('its checksum is wrong')
  // What has that checksum was written by us.
  const { record, published, ...rest } = body as unknown as HeadBody
  return {
    ...rest,
    record: record === null ? undefined : decodeJobRecord(record, where),
    published: new Map(published),
  }
}

type HeadBody = Omit<JobHead, 'record' | 'published'> & {
  readonly record: string | null
  readonly published: readonly (readonly [string, readonly number[]])[]
}

function bodyOf({ job, run, holder, epoch, writes, record, published }: JobHead): HeadBody {
  return {
    ...{ job, run, holder, epoch, writes },
    record: record === undefined ? null : encodeJobRecord(record),
    published: [...published],
  }
}

function checksumOf(body: unknown): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex')
}
