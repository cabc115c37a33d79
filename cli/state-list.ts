import type { MeasuredState, Snapshot } from '../runtime/inspect/snapshot.ts'
import { formatInstant, formatTimestamp } from '../runtime/time-text.ts'
import { columns } from './columns.ts'
import type { Host } from './host.ts'
import { toLine } from './json-output.ts'
import { formatBytes, formatCount } from './units.ts'

/** Most positions of a source that are shown. */
const MAX_POSITIONS = 5

/** Shows what a snapshot holds. */
export async function listStates(path: string, json: boolean, host: Host): Promise<number> {
  const { openSnapshot } = await import('../runtime/inspect/snapshot.ts')
  const snapshot = await openSnapshot(path)
  try {
    const states = await snapshot.measure()
    host.stdout.write(json ? toLine(asData(snapshot, states)) : `${asText(snapshot, states)}\n`)
    return 0
  } finally {
    await snapshot.close()
  }
}

function asData(snapshot: Snapshot, states: readonly MeasuredState[]): object {
  const { path, job, lineage, checkpointId, kind, createdAt, parallelism, maxParallelism } =
    snapshot
  return {
    ...{ path, job, lineage, checkpointId, kind, createdAt, parallelism, maxParallelism },
    states,
    sources: snapshot.sources().map(({ splits, ...source }) => ({
      ...source,
      splits: splits.length,
    })),
    watermarks: snapshot.watermarks(),
  }
}

function asText(snapshot: Snapshot, states: readonly MeasuredState[]): string {
  const { path, job, lineage, checkpointId, kind, createdAt, parallelism } = snapshot
  const lines = [
    `${kind} ${checkpointId} of job "${job}", lineage ${lineage}, parallelism ${parallelism}`,
    `taken ${formatTimestamp(createdAt)} UTC, in ${path}`,
    '',
    ...columns([['uid', 'state', 'kind', 'version', 'entries', 'bytes'], ...states.map(stateRow)]),
  ]
  const sources = snapshot.sources()
  if (sources.length > 0) lines.push('', 'sources:')
  for (const { uid, positions } of sources) {
    const shown = positions.slice(0, MAX_POSITIONS).join(', ')
    const more = positions.length - MAX_POSITIONS
    lines.push(
      `  ${uid}: ${shown === '' ? 'at the end' : shown}${more > 0 ? `, ${more} more` : ''}`,
    )
  }
  lines.push('', 'watermarks:')
  const watermarks = snapshot.watermarks().map(({ uid, lowest, highest }) => {
    const range = lowest === highest ? [lowest] : [lowest, highest]
    return [`  ${uid}`, range.map(watermarkText).join(' to ')]
  })
  return [...lines, ...columns(watermarks)].join('\n')
}

function stateRow(state: MeasuredState): string[] {
  const { uid, name, kind, version, versions, entries, bytes, earliest, isDropped } = state
  const isMixed = versions.length > 1 || (versions.length === 1 && versions[0] !== version)
  const note = [
    ...(isDropped ? ['dropped by the job'] : []),
    ...(earliest === undefined ? [] : [`the earliest at ${watermarkText(earliest)}`]),
  ]
  return [
    uid,
    name,
    kind,
    isMixed ? `${version} (stored ${versions.join(', ')})` : String(version),
    formatCount(entries),
    formatBytes(bytes),
    note.join(', '),
  ]
}

function watermarkText(watermark: number): string {
  if (watermark === -Infinity) return 'none yet'
  return watermark === Infinity ? 'end of input' : `${formatInstant(watermark)} UTC`
}
