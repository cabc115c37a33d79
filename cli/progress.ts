import type {
  CheckpointSummary,
  HeldSources,
  JobEvent,
  JobMetrics,
} from '../runtime/job/job-events.ts'
import { formatMs, formatTimestamp } from '../runtime/time-text.ts'
import { fit, formatBytes, formatCount, formatNumberOf } from './units.ts'

/** What the progress line tells. */
export interface ProgressFigures {
  /** What the job is doing when it is not simply running: `stopping`, `restarting in 2 s`. */
  readonly phase: string | undefined
  readonly elapsedMs: number
  readonly recordsPerSecond: number
  readonly watermark: number | undefined
  readonly watermarkLagMs: number | undefined
  readonly lastCheckpoint:
    Pick<CheckpointSummary, 'checkpointId' | 'durationMs' | 'bytes'> | undefined
  readonly written: number
  /** Records that did not fit and were left out (`onError: 'skip'`). */
  readonly skipped: number
  /** Sources that wait until others have been read to their end; undefined where none does. */
  readonly held: HeldSources | undefined
  /** How much of the restored state has been loaded, from 0 to 1; undefined when all has. */
  readonly loadedShare: number | undefined
}

/** What a written record is called: one, and several. */
export type Noun = readonly [singular: string, plural: string]

/** A part of the line in its long and its short form; those with a high `rank` are the first to be left out. */
interface Part {
  readonly long: string
  readonly short: string
  readonly rank: number
}

const SEPARATOR = ' · '

/** Phases that go on until the job has ended, through restarts. */
const ENDING: readonly string[] = ['stopping', 'draining']

/**
 * The progress line for a terminal of so many columns: everything in words if it fits, then everything in short, then the
 * most important parts only. Never wider than `columns`.
 */
export function progressLine(figures: ProgressFigures, columns: number, noun: Noun): string {
  const parts = progressParts(figures, noun)
  const long = parts.map((part) => part.long).join(SEPARATOR)
  if (long.length <= columns) return long
  for (let rank = Math.max(...parts.map((part) => part.rank)); rank >= 0; rank--) {
    const kept = parts.filter((part) => part.rank <= rank)
    const short = kept.map((part) => part.short).join(SEPARATOR)
    if (short.length <= columns) return short
  }
  return fit(parts[0]!.short, columns)
}

/** The progress as a line of a log, with the time since the start. */
export function plainProgressLine(figures: ProgressFigures, noun: Noun): string {
  const parts = progressParts(figures, noun).map((part) => part.long)
  return `[${formatMs(figures.elapsedMs)}] ${parts.join(SEPARATOR)}`
}

function progressParts(figures: ProgressFigures, noun: Noun): Part[] {
  const { phase, recordsPerSecond, watermark, watermarkLagMs, lastCheckpoint } = figures
  const { written, skipped, held, loadedShare } = figures
  const parts: Part[] = []
  if (phase !== undefined) parts.push({ long: phase, short: phase, rank: 0 })
  if (held !== undefined) parts.push(heldPart(held))
  if (loadedShare !== undefined) {
    const loaded = `${Math.floor(loadedShare * 100)} %`
    parts.push({ long: `state loaded ${loaded}`, short: `state ${loaded}`, rank: 2 })
  }
  const rate = formatCount(recordsPerSecond)
  parts.push({ long: `${rate} records/s`, short: `${rate}/s`, rank: 0 })
  const time = watermark === undefined ? 'none yet' : formatTimestamp(watermark)
  parts.push({ long: `event time ${time}`, short: time, rank: 2 })
  if (watermarkLagMs !== undefined) {
    const lag = formatMs(watermarkLagMs)
    parts.push({ long: `watermark lag ${lag}`, short: `lag ${lag}`, rank: 4 })
  }
  parts.push(checkpointPart(lastCheckpoint))
  const rows = formatNumberOf(written, ...noun)
  parts.push({ long: rows, short: rows, rank: 1 })
  if (skipped > 0) {
    parts.push({
      long: `${formatNumberOf(skipped, 'record')} skipped`,
      short: `${formatCount(skipped)} skipped`,
      rank: 1,
    })
  }
  return parts
}

function heldPart({ sources, waitFor }: HeldSources): Part {
  const who = sources.length === 1 ? `${sources[0]!} waits` : `${sources.join(', ')} wait`
  return { long: `${who} for ${waitFor.join(', ')}`, short: `waits for ${waitFor[0]!}`, rank: 1 }
}

function checkpointPart(checkpoint: ProgressFigures['lastCheckpoint']): Part {
  if (checkpoint === undefined) {
    return { long: 'no checkpoint yet', short: 'no checkpoint', rank: 3 }
  }
  const { checkpointId, durationMs, bytes } = checkpoint
  // The one that the run goes on from: what it cost is not known any more.
  if (bytes === 0) {
    return { long: `checkpoint ${checkpointId}`, short: `cp ${checkpointId}`, rank: 3 }
  }
  const took = formatMs(durationMs)
  const size = formatBytes(bytes)
  return {
    long: `checkpoint ${checkpointId}: ${took}, ${size}`,
    short: `cp ${checkpointId}: ${took} ${size}`,
    rank: 3,
  }
}

function skippedIn(counters: JobMetrics['counters']): number {
  return Object.values(counters).reduce((sum, one) => sum + (one['recordsSkipped'] ?? 0), 0)
}

/** Keeps the figures of the progress line up to date from a run's events. */
export class Progress {
  #figures: ProgressFigures = {
    phase: 'starting',
    elapsedMs: 0,
    recordsPerSecond: 0,
    watermark: undefined,
    watermarkLagMs: undefined,
    lastCheckpoint: undefined,
    written: 0,
    skipped: 0,
    held: undefined,
    loadedShare: undefined,
  }

  get figures(): ProgressFigures {
    return this.#figures
  }

  /** Takes an event; true if the line has changed. */
  update(event: JobEvent): boolean {
    const next = this.#next(event)
    if (next === undefined) return false
    this.#figures = { ...this.#figures, ...next }
    return true
  }

  #next(event: JobEvent): Partial<ProgressFigures> | undefined {
    switch (event.type) {
      case 'running':
        return { phase: ENDING.find((phase) => phase === this.#figures.phase) }
      case 'progress':
        return {
          elapsedMs: event.elapsedMs,
          recordsPerSecond: event.recordsPerSecond,
          // There is none any more at the end of the input: the last one stays in view.
          watermark: event.watermark ?? this.#figures.watermark,
          watermarkLagMs: event.watermarkLagMs ?? this.#figures.watermarkLagMs,
          lastCheckpoint: event.lastCheckpoint ?? this.#figures.lastCheckpoint,
          written: event.recordsWritten,
          skipped: skippedIn(event.counters),
          held: event.held,
          loadedShare: event.loadedShare,
        }
      case 'checkpoint':
        return { lastCheckpoint: event }
      case 'stopping':
      case 'draining':
        return { phase: event.type }
      case 'restarting':
        return {
          phase: `restarting in ${formatMs(event.delayMs)}`,
          recordsPerSecond: 0,
          held: undefined,
        }
      default:
        return undefined
    }
  }
}
