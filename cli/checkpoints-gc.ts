import type { Garbage } from '../runtime/inspect/collect-garbage.ts'
import type { Host } from './host.ts'
import { toLine } from './json-output.ts'
import { formatBytes, formatNumberOf } from './units.ts'

/** Removes what crashes have left of a job, or shows it. */
export async function collectCheckpoints(
  command: { readonly path: string; readonly dryRun: boolean; readonly json: boolean },
  host: Host,
): Promise<number> {
  const { collectGarbage } = await import('../runtime/inspect/collect-garbage.ts')
  const garbage = await collectGarbage(command.path, { dryRun: command.dryRun })
  host.stdout.write(command.json ? toLine(garbage) : `${linesOf(garbage).join('\n')}\n`)
  return 0
}

function linesOf({ files, isRunning, isRemoved, skipped }: Garbage): string[] {
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
    ...skipped.map((reason) => `left alone: ${reason}`),
  ]
}
