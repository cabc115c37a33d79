import type { ListedCheckpoint } from '../runtime/inspect/list-checkpoints.ts'
import { formatMs, formatTimestamp } from '../runtime/time-text.ts'
import { columns } from './columns.ts'
import type { Host } from './host.ts'
import { toLine } from './json-output.ts'
import { formatBytes } from './units.ts'

/** Lists checkpoints, a line each. */
export async function listCheckpoints(path: string, json: boolean, host: Host): Promise<number> {
  const { listCheckpoints: list } = await import('../runtime/inspect/list-checkpoints.ts')
  const listed = await list(path)
  const text = json ? listed.map(toLine).join('') : asText(listed, host.clock.now())
  host.stdout.write(text)
  return 0
}

function asText(listed: readonly ListedCheckpoint[], now: number): string {
  if (listed.length === 0) return 'there is no checkpoint\n'
  const blocks = [...Map.groupBy(listed, ({ lineage }) => lineage)].map(([lineage, ofLineage]) => {
    const points = ofLineage.at(-1)!.ancestry.map((one) => `${one.checkpointId} of ${one.lineage}`)
    const from = points.length === 0 ? '' : `, begun from ${points.join(', from ')}`
    return [`lineage ${lineage}${from}`, ...columns(ofLineage.map((one) => row(one, now)))]
  })
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function row(one: ListedCheckpoint, now: number): string[] {
  const { createdAt, bytes, ownBytes, damage } = one
  const note = damage === undefined ? (one.isNext ? '← a run goes on from here' : '') : damage
  return [
    `  ${one.checkpointId}`,
    one.kind ?? '?',
    createdAt === undefined ? '?' : `${formatTimestamp(createdAt)} UTC`,
    createdAt === undefined ? '' : `${formatMs(Math.max(0, now - createdAt))} ago`,
    bytes === undefined ? '?' : `${formatBytes(bytes)}, ${formatBytes(ownBytes!)} of it new`,
    one.isAbandoned ? 'gone back behind' : one.kind === 'savepoint' ? one.path : note,
  ]
}
