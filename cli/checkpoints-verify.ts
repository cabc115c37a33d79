import type { VerifiedSnapshot } from '../runtime/inspect/verify-snapshots.ts'
import type { Host } from './host.ts'
import { toLine } from './json-output.ts'
import { LineOutput } from './line-output.ts'
import { formatBytes, formatNumberOf } from './units.ts'

/** Checks every checksum; resolves with 1 if something is damaged. */
export async function verifyCheckpoints(path: string, json: boolean, host: Host): Promise<number> {
  const { verifySnapshots } = await import('../runtime/inspect/verify-snapshots.ts')
  const output = new LineOutput(host)
  let isDamaged = false
  let count = 0
  for await (const verified of verifySnapshots(path)) {
    count++
    if (verified.damages.length > 0) isDamaged = true
    const text = json ? toLine(verified).trimEnd() : textOf(verified)
    await output.line(text)
    // Each may take long to read.
    await output.flush()
  }
  if (count === 0 && !json) await output.line('there is no checkpoint')
  await output.flush()
  return isDamaged ? 1 : 0
}

function textOf({ path, files, bytes, damages, isGone }: VerifiedSnapshot): string {
  if (isGone) return `${path}: removed by the running job meanwhile`
  const read = `${formatNumberOf(files, 'file')} read, ${formatBytes(bytes)}`
  if (damages.length === 0) return `${path}: all right (${read})`
  return [`${path}: DAMAGED`, ...damages.map((damage) => `  ${damage}`)].join('\n')
}
