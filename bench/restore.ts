import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ByteWriter } from '../runtime/bytes.ts'
import type { CheckpointStorage } from '../runtime/checkpoint/checkpoint-storage.ts'
import { createFileStorage } from '../runtime/checkpoint/file-storage.ts'
import type { CheckpointManifest, SegmentReference } from '../runtime/checkpoint/manifest.ts'
import { writeSegment } from '../runtime/checkpoint/segment-writer.ts'
import { nodeFileSystem } from '../runtime/file-system.ts'
import { keyGroupOf, keyGroupRange } from '../runtime/key-group.ts'
import { writeEntryValue, writePrefix } from '../runtime/state/snapshot-format.ts'
import type { StateEntry } from '../runtime/state/state-backend.ts'
import { UsageError } from './option-values.ts'
import { inFolder } from './temporary-folder.ts'

export const restoreHelp = `restore [--mb 100] [--parallelism 2] [--memory 512mb] [--seconds 20] [--built]
  Starts a job from a checkpoint of so many MB of entries of 100 bytes, in a chain of five segments a subtask, and updates all keys
  equally often: seconds to the first record and until all state is loaded, records a second meanwhile and after that.
  --built     with what "npm run build" has made, as in an installed package: without types to be stripped at each start`

const root = fileURLToPath(new URL('../', import.meta.url))
/** Runs the sources as they are. */
const FROM_SOURCE: readonly string[] = ['-C', '@millrace/source']

/** Arguments of Node for a run from the sources, or from what has been built. */
export function argsOf(isBuilt: boolean): readonly string[] {
  if (!isBuilt) return FROM_SOURCE
  if (!existsSync(join(root, 'dist/index.js'))) {
    throw new UsageError(
      'Nothing has been built that --built could run; run "npm run build" before.',
    )
  }
  return []
}

/** Bytes of an entry: key and value. */
export const ENTRY_BYTES = 115
/** Segments of the chain, oldest first: one has all keys, four have one of a hundred each. */
export const CHAIN: readonly number[] = [1, 100, 100, 100, 100]

export async function restoreBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      mb: { type: 'string', default: '100' },
      parallelism: { type: 'string', default: '2' },
      memory: { type: 'string', default: '512mb' },
      seconds: { type: 'string', default: '20' },
      built: { type: 'boolean', default: false },
    },
  })
  const keys = Math.floor((Number(values.mb) * 1e6) / ENTRY_BYTES)
  const run = [String(keys), values.parallelism, values.memory]
  await inFolder(async (folder) => {
    await runUntil('restore-run.ts', [folder, ...run], isSecondCheckpoint)
    await writeCheckpoint(join(folder, 'state', 'restore-bench', 'checkpoints'), keys, CHAIN)
    let loadedAt: number | undefined
    const isLast = (line: Line): boolean => {
      if (line.type !== 'progress' || (line.recordsRead ?? 0) === 0) return false
      if (line.loadedShare === undefined) loadedAt ??= line.seconds
      return loadedAt !== undefined && line.seconds > loadedAt + Number(values.seconds)
    }
    const nodeArgs = argsOf(values.built)
    const lines = await runUntil('restore-run.ts', [folder, ...run], isLast, nodeArgs)
    report(lines, loadedAt!, { mb: Number(values.mb), keys })
  })
}

function report(all: readonly Line[], loadedAt: number, of: { mb: number; keys: number }): void {
  const lines = all.filter((line) => line.type === 'progress' && (line.recordsRead ?? 0) > 0)
  const [first] = lines
  const rate = (from: Line, to: Line): number =>
    Math.round((to.recordsRead! - from.recordsRead!) / (to.seconds - from.seconds))
  const loaded = lines.find((line) => line.seconds >= loadedAt)!
  const outcome = {
    bench: 'restore',
    ...of,
    firstRecordSeconds: first!.seconds,
    loadedSeconds: loadedAt,
    recordsPerSecondMeanwhile: loaded === first ? undefined : rate(first!, loaded),
    recordsPerSecondAfter: rate(loaded, lines.at(-1)!),
    rssMb: Math.round(Math.max(...lines.map(({ rss }) => rss ?? 0)) / 1e6),
  }
  console.table(outcome)
  console.log(JSON.stringify(outcome))
}

/** Of a job whose checkpoints have all that `writeCheckpoint` takes over. */
export function isSecondCheckpoint({ type }: Line, lines: readonly Line[]): boolean {
  return type === 'checkpoint' && lines.filter((line) => line.type === type).length === 2
}

export interface Line {
  readonly type: string
  /** Since the process was spawned. */
  readonly seconds: number
  readonly recordsRead?: number
  readonly loadedShare?: number
  readonly rss?: number
}

/** Runs the job until one of its JSON lines is the last one wanted, and kills it. */
export function runUntil<L extends Line>(
  scriptName: string,
  args: readonly string[],
  isLast: (line: L, lines: readonly L[]) => boolean,
  nodeArgs: readonly string[] = FROM_SOURCE,
): Promise<L[]> {
  const script = fileURLToPath(new URL(scriptName, import.meta.url))
  const startedAt = performance.now()
  const running = spawn(process.execPath, [...nodeArgs, script, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    const lines: L[] = []
    let isDone = false
    createInterface({ input: running.stdout }).on('line', (text) => {
      if (isDone) return
      const seconds = (performance.now() - startedAt) / 1_000
      lines.push({ ...(JSON.parse(text) as Omit<L, 'seconds'>), seconds } as L)
      if (!isLast(lines.at(-1)!, lines)) return
      isDone = true
      running.kill('SIGKILL')
    })
    running.on('error', reject)
    running.on('close', (code) => {
      if (isDone) resolve(lines)
      else reject(new Error(`the job ended with ${code} before it could be killed`))
    })
  })
}

// --- The checkpoint ---

/**
 * Publishes a checkpoint like the newest one, with so many keys: of each segment of the chain, one key in how many it has.
 */
export async function writeCheckpoint(
  checkpoints: string,
  keys: number,
  chain: readonly number[],
): Promise<void> {
  const lineage = readdirSync(checkpoints).find((name) => /^[0-9a-f]{16}$/.test(name))!
  const directory = join(checkpoints, lineage)
  const storage = createFileStorage({ directory, fileSystem: nodeFileSystem })
  const newest = (await storage.list()).at(-1)!
  const manifest = await storage.readManifest(newest)
  const checkpointId = await storage.reserveId(newest)
  const groups = keysByGroup(keys, manifest.maxParallelism)
  const { stateId } = manifest.states.find(({ name }) => name === 'text')!
  const subtasks = []
  for (const part of manifest.subtasks) {
    if (!('texts' in part.watermarks)) subtasks.push(part)
    else {
      const { first, last } = keyGroupRange(
        part.subtaskIndex,
        manifest.parallelism,
        manifest.maxParallelism,
      )
      const segments: SegmentReference[] = []
      for (const every of chain) {
        const entries = entriesOf({ groups, first, last, stateId, every, offset: segments.length })
        segments.push(await writeOne(storage, checkpointId, `bench-${part.subtaskIndex}`, entries))
      }
      subtasks.push({ ...part, segments })
    }
  }
  const published: CheckpointManifest = { ...manifest, checkpointId, subtasks }
  await storage.publish(published)
}

async function writeOne(
  storage: CheckpointStorage,
  checkpointId: number,
  name: string,
  entries: Iterable<StateEntry>,
): Promise<SegmentReference> {
  return (await writeSegment(storage, checkpointId, name, entries))!
}

/** The keys of each key group, ascending. */
function keysByGroup(keys: number, maxParallelism: number): number[][] {
  const groups = Array.from({ length: maxParallelism }, (): number[] => [])
  for (let key = 0; key < keys; key++) groups[keyGroupOf(key, maxParallelism)]!.push(key)
  return groups
}

function* entriesOf(of: {
  readonly groups: readonly (readonly number[])[]
  readonly first: number
  readonly last: number
  readonly stateId: number
  readonly every: number
  readonly offset: number
}): Generator<StateEntry> {
  const key = new ByteWriter()
  const value = new ByteWriter()
  writeEntryValue(value, 1, 'x'.repeat(90), 'bench')
  for (let keyGroup = of.first; keyGroup <= of.last; keyGroup++) {
    for (const number of of.groups[keyGroup]!) {
      if (number % of.every !== of.offset % of.every) continue
      key.length = 0
      writePrefix(key, { keyGroup, key: number, namespace: undefined }, of.stateId)
      yield {
        key: key.bytes.subarray(0, key.length),
        kind: 'put',
        value: value.bytes.subarray(0, value.length),
      }
    }
  }
}
