import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Gap } from './checkpoints-job.ts'
import {
  ENTRY_BYTES,
  isSecondCheckpoint,
  type Line as JobLine,
  runUntil,
  writeCheckpoint,
} from './restore.ts'
import { percentile } from './spread.ts'
import { inFolder } from './temporary-folder.ts'

export const checkpointsHelp = `checkpoints [--keys 1000000] [--changed 10000] [--rate 10000] [--checkpoints 100] [--interval 1s]
            [--memory 512mb]
  What a checkpoint costs where a few of many keys have changed: bytes, and the gaps of a millisecond and more between two
  records while one is taken, beside those without (p50, p99, longest). --rate 0: as fast as it goes, each key 50 times. Exit
  1 where at a rate a checkpoint has more than 2 x the bytes changed + 256 KiB, or the gaps are 5 ms longer (p99), or the
  segments take more than twice a snapshot.`

const MIB = 1_024 * 1_024
const LIMIT_PAUSE_MS = 5
const SPARE_BYTES = 256 * 1_024

interface Line extends JobLine {
  readonly durationMs?: number
  readonly bytes?: number
  /** In ms since the epoch. */
  readonly end?: number
  readonly written?: number
  readonly gaps?: readonly Gap[]
}

type Checkpoint = Line & Required<Pick<Line, 'durationMs' | 'bytes' | 'end' | 'written'>>

export async function checkpointsBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      keys: { type: 'string', default: '1000000' },
      changed: { type: 'string', default: '10000' },
      rate: { type: 'string', default: '10000' },
      checkpoints: { type: 'string', default: '100' },
      interval: { type: 'string', default: '1s' },
      memory: { type: 'string', default: '512mb' },
    },
  })
  const keys = Number(values.keys)
  const count = Number(values.checkpoints)
  await inFolder(async (folder) => {
    const checkpoints = join(folder, 'state', 'restore-bench', 'checkpoints')
    const script = 'checkpoints-run.ts'
    const run = [folder, values.keys, values.changed, values.rate, values.memory, values.interval]
    await runUntil(script, run, isSecondCheckpoint)
    await writeCheckpoint(checkpoints, keys, [1])
    let isLoaded = false
    let seen = 0
    const lines = await runUntil<Line>(script, run, (line) => {
      // Two more, so that the first changes are not those of the time of loading.
      if (line.type === 'checkpoint' && isLoaded) seen++
      else if (line.type === 'progress' && (line.recordsRead ?? 0) > 0) {
        isLoaded ||= line.loadedShare === undefined
      }
      return line.type === 'log' && seen > count + 2
    })
    const all = lines.filter((line): line is Checkpoint => line.type === 'checkpoint')
    report(all.slice(-count - 1), lines, {
      keys,
      changedBytes: Number(values.changed) * ENTRY_BYTES,
      isPaced: values.rate !== '0',
      segmentBytes: bytesIn(checkpoints),
    })
  })
}

interface Measured {
  readonly keys: number
  readonly changedBytes: number
  readonly isPaced: boolean
  readonly segmentBytes: number
}

function report(checkpoints: readonly Checkpoint[], lines: readonly Line[], of: Measured): void {
  const gaps = lines.flatMap((line) => line.gaps ?? [])
  const { during, without } = apart(gaps, checkpoints)
  const longest = checkpoints.map((one) => Math.max(0, ...gapsIn(gaps, one).map(([, ms]) => ms)))
  const bytes = checkpoints.map((checkpoint) => checkpoint.bytes)
  const durations = checkpoints.map((checkpoint) => checkpoint.durationMs)
  const limitBytes = 2 * of.changedBytes + SPARE_BYTES
  const snapshotBytes = of.keys * ENTRY_BYTES
  const pauseMs = percentile(during, 0.99) - percentile(without, 0.99)
  const [first, last] = [checkpoints[0]!, checkpoints.at(-1)!]
  const outcome = {
    bench: 'checkpoints',
    keys: of.keys,
    checkpoints: checkpoints.length,
    changedBytes: of.changedBytes,
    medianBytes: percentile(bytes, 0.5),
    maxBytes: percentile(bytes, 1),
    limitBytes,
    durationMs: [0.5, 0.99].map((share) => Math.round(percentile(durations, share))),
    gapDuringMs: percentiles(during),
    longestDuringMs: percentiles(longest),
    gapWithoutMs: percentiles(without),
    pauseP99Ms: tenths(pauseMs),
    checkpointMbPer100: mb((bytes.reduce((sum, one) => sum + one, 0) / bytes.length) * 100),
    allWrittenMbPer100: mb(((last.written - first.written) / (checkpoints.length - 1)) * 100),
    segmentMb: mb(of.segmentBytes),
    snapshotMb: mb(snapshotBytes),
    rssMb: mb(Math.max(...lines.map(({ rss }) => rss ?? 0))),
  }
  console.table(outcome)
  console.log(JSON.stringify(outcome))
  if (!of.isPaced) return
  if (percentile(bytes, 0.5) > limitBytes || pauseMs > LIMIT_PAUSE_MS) process.exitCode = 1
  if (of.segmentBytes > 2 * snapshotBytes + limitBytes) process.exitCode = 1
}

/** Gaps that lie in the time of a checkpoint, in part at least. */
function gapsIn(gaps: readonly Gap[], { durationMs, end: to }: Checkpoint): readonly Gap[] {
  return gaps.filter(([end, length]) => end >= to - durationMs && end - length <= to)
}

/** The lengths of gaps from the first to the last checkpoint: those during one, and those outside of all. */
function apart(
  gaps: readonly Gap[],
  checkpoints: readonly Checkpoint[],
): { during: readonly number[]; without: readonly number[] } {
  const from = checkpoints[0]!.end
  const to = checkpoints.at(-1)!.end
  const all = gaps.filter(([end]) => end >= from && end <= to)
  const during = new Set(checkpoints.flatMap((checkpoint) => gapsIn(all, checkpoint)))
  return {
    during: Array.from(during, ([, length]) => length),
    without: all.filter((gap) => !during.has(gap)).map(([, length]) => length),
  }
}

function percentiles(values: readonly number[]): readonly number[] {
  return [0.5, 0.99, 1].map((share) => tenths(percentile(values, share)))
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}

function mb(bytes: number): number {
  return Math.round(bytes / MIB)
}

/** Bytes of all files below a folder. */
function bytesIn(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size
  }
  return bytes
}
