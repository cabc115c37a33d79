import type { Host } from './host.ts'
import { LineOutput } from './line-output.ts'

/** Writes the entries of a state as JSON lines, as they are read. */
export async function exportState(
  command: { readonly path: string; readonly uid: string; readonly state: string },
  host: Host,
): Promise<number> {
  const { openSnapshot } = await import('../runtime/inspect/snapshot.ts')
  const { entryToJson } = await import('../runtime/inspect/entry-json.ts')
  const snapshot = await openSnapshot(command.path)
  try {
    const output = new LineOutput(host)
    for await (const entry of snapshot.entries(command)) {
      await output.line(JSON.stringify(entryToJson(entry)))
      if (output.isClosed) return 0
    }
    await output.flush()
    return 0
  } finally {
    await snapshot.close()
  }
}
