import type { SnapshotChange } from '../runtime/inspect/snapshot.ts'
import type { StateDiffCommand } from './args.ts'
import { columns } from './columns.ts'
import type { Host } from './host.ts'
import { toLine } from './json-output.ts'
import { LineOutput } from './line-output.ts'
import { formatCount } from './units.ts'

const SIGNS = { added: '+', removed: '-', changed: '~' } as const

type Counts = Record<SnapshotChange['change'], number>

/** Shows what differs between two snapshots. */
export async function diffStates(command: StateDiffCommand, host: Host): Promise<number> {
  const { openSnapshot } = await import('../runtime/inspect/snapshot.ts')
  const before = await openSnapshot(command.before)
  try {
    const after = await openSnapshot(command.after)
    try {
      const output = new LineOutput(host)
      const counts = new Map<string, Counts>()
      for await (const change of before.diff(after)) {
        const name = JSON.stringify([change.uid, change.state])
        const count = counts.get(name) ?? { added: 0, removed: 0, changed: 0 }
        counts.set(name, count)
        count[change.change]++
        if (command.keys) await output.line(await changeLine(change, command.json))
        if (output.isClosed) return 0
      }
      for (const line of summary(counts, command.json)) await output.line(line)
      await output.flush()
      return 0
    } finally {
      await after.close()
    }
  } finally {
    await before.close()
  }
}

async function changeLine(change: SnapshotChange, json: boolean): Promise<string> {
  const { entryToJson } = await import('../runtime/inspect/entry-json.ts')
  const { keyText } = await import('../runtime/inspect/key-text.ts')
  const { uid, state, before, after } = change
  if (json) {
    return JSON.stringify({
      change: change.change,
      uid,
      state,
      ...(before === undefined ? {} : { before: entryToJson(before) }),
      ...(after === undefined ? {} : { after: entryToJson(after) }),
    })
  }
  const { key, namespace, mapKey } = (after ?? before)!
  const place = [key, namespace, mapKey].filter((one) => one !== undefined).map(keyText)
  return `${SIGNS[change.change]} ${uid}/${state} ${place.join(' ')}`
}

function summary(counts: ReadonlyMap<string, Counts>, json: boolean): string[] {
  const states = [...counts].map(([name, count]) => {
    const [uid, state] = JSON.parse(name) as [string, string]
    return { uid, state, ...count }
  })
  if (json) return states.map((state) => toLine(state).trimEnd())
  if (states.length === 0) return ['no state differs']
  return columns(
    states.map(({ uid, state, added, removed, changed }) => [
      `${uid}/${state}`,
      `${formatCount(added)} added`,
      `${formatCount(removed)} removed`,
      `${formatCount(changed)} changed`,
    ]),
  )
}
