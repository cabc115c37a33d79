import type { Garbage } from '../runtime/inspect/garbage.ts'
import type { Host } from './host.ts'
import { toLine } from './json-output.ts'
import { formatBytes, formatNumberOf } from './units.ts'

/** Removes what crashes have left of a job, or shows it. */
export async function collectCheckpoints(
  command: {
    readonly path: string
    readonly dryRun: boolean
    readonly takesOver: boolean
    readonly json: boolean
  },
  host: Host,
): Promise<number> {
  const { collectGarbage } = await import('../runtime/inspect/collect-garbage.ts')
  const { dryRun, takesOver } = command
  const garbage = await collectGarbage(command.path, { dryRun, takesOver })
  const lines = [...linesOf(garbage), ...(dryRun ? [] : holderLines(garbage))]
  host.stdout.write(command.json ? toLine(garbage) : `${lines.join('\n')}\n`)
  return 0
}

function holderLines({ files, uploads, holder }: Garbage): string[] {
  if (holder === undefined || files.length + uploads === 0) return []
  return [
    `nothing was removed: ${holder} has run the job last, and may do so still; a run removes this after its first checkpoint; --take-over removes it now, and ends one that goes on`,
  ]
}

function linesOf({ files, isRunning, isRemoved, skipped, uploads }: Garbage): string[] {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const what = `${formatNumberOf(files.length, 'file')}, ${formatBytes(bytes)}`
  const done = isRemoved ? `removed ${what}` : `${what} that no checkpoint needs`
  return [
    ...files.map((file) => `${file.path}  ${formatBytes(file.bytes)}`),
    files.length === 0 ? 'there is nothing that no checkpoint needs' : done,
    ...(isRunning && files.length > 0
      ? [
          'the job is running: nothing was removed, some of this may be in use, and it removes the rest itself',
        ]
      : []),
    ...(uploads > 0
      ? [`${formatNumberOf(uploads, 'upload')} not ended${isRemoved ? ': ended now' : ''}`]
      : []),
    ...skipped.map((reason) => `left alone: ${reason}`),
  ]
}
