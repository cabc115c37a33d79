import { planOperators } from '../runtime/job/restore-plan.ts'
import type {
  CheckpointSummary,
  EventTimeNews,
  JobEvent,
  JobResult,
  SavepointSummary,
} from '../runtime/job/job-events.ts'
import type { JobPlan } from '../runtime/graph/job-plan.ts'
import { formatInstant, formatMs } from '../runtime/time-text.ts'
import type { Noun } from './progress.ts'
import { formatBytes, formatCount, formatNumberOf } from './units.ts'

export type StartedEvent = Extract<JobEvent, { type: 'started' }>

/** The first line of a run: from where it goes on, with what, and where its state is. */
export function firstLine(event: StartedEvent, isParallelismGiven: boolean): string {
  const isRestored = event.restored !== undefined && !isParallelismGiven
  const parallelism = `parallelism ${event.parallelism}${isRestored ? " (the checkpoint's)" : ''}`
  return [
    `${event.job}: ${modeText(event)}`,
    parallelism,
    `lineage ${event.lineage}`,
    `state in ${event.directory}`,
  ].join(', ')
}

function modeText({ mode, restored, lineage }: StartedEvent): string {
  const checkpoint = restored === undefined ? '' : ` checkpoint ${restored.checkpointId}`
  switch (mode) {
    case 'fresh':
      return 'fresh start'
    case 'resumed': {
      if (restored === undefined) return 'resumed from the start, no checkpoint was complete'
      // The first run of a lineage that another one's snapshot began may have ended before its own first checkpoint.
      const isOther = restored.lineage !== lineage
      return `resumed from${checkpoint}${isOther ? ` of lineage ${restored.lineage}` : ''}`
    }
    case 'from':
      return `started from${checkpoint} of lineage ${restored?.lineage} (--from)`
    case 'already-finished':
      return `already finished${checkpoint === '' ? '' : ` with${checkpoint}`}, nothing to do (--fresh starts anew)`
  }
}

/** What happened, in a few lines, when a run has ended without a failure. */
export function endLines(result: JobResult, plan: JobPlan, noun: Noun): string[] {
  if (result.status === 'already-finished') return outputLines(plan)
  const { metrics, lastCheckpoint } = result
  const { recordsRead, recordsWritten, checkpoints, restarts, durationMs } = metrics
  const head = result.status === 'finished' ? 'finished' : 'stopped'
  const rate = durationMs > 0 ? (recordsRead / durationMs) * 1_000 : 0
  const lines = [
    [
      `${head} after ${formatMs(durationMs)}: ${formatNumberOf(recordsRead, 'record')} read (${formatCount(rate)}/s)`,
      `${formatNumberOf(recordsWritten, ...noun)} written`,
      formatNumberOf(checkpoints, 'checkpoint'),
      ...(restarts > 0 ? [formatNumberOf(restarts, 'restart')] : []),
    ].join(', '),
  ]
  if (lastCheckpoint !== undefined) lines.push(`last checkpoint: ${checkpointText(lastCheckpoint)}`)
  for (const [uid, counters] of Object.entries(metrics.counters)) {
    const counts = Object.entries(counters).filter(([, count]) => count !== 0)
    if (counts.length === 0) continue
    const texts = counts.map(([name, count]) => `${counterText(name)} ${formatCount(count)}`)
    lines.push(`counted by ${uid}: ${texts.join(', ')}`)
  }
  return [...lines, ...outputLines(plan)]
}

/** `numLateRecordsDropped` → `late records dropped`; other names as they are. */
function counterText(name: string): string {
  if (!/^(?:num)?[A-Za-z][a-z]+(?:[A-Z][a-z]+)+$/.test(name)) return name
  return name
    .replace(/^num(?=[A-Z])/, '')
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase()
}

/** Where the output is: the identity of each sink, as it declares it. */
function outputLines(plan: JobPlan): string[] {
  return planOperators(plan).flatMap((operator) => {
    if (operator.type !== 'sink' || operator.identity === undefined) return []
    const places = Object.values(operator.identity).join(', ')
    return places === '' ? [] : [`output of ${operator.name}: ${places}`]
  })
}

/** A checkpoint with its cost and its place. */
export function checkpointText(checkpoint: CheckpointSummary): string {
  const { checkpointId, kind, durationMs, bytes, path } = checkpoint
  const word = kind === 'final' ? ' (final)' : kind === 'stop' ? ' (taken to stop)' : ''
  return `${checkpointId}${word}, ${formatMs(durationMs)}, ${formatBytes(bytes)}, ${path}`
}

/** A savepoint with what it is of and its cost. */
export function savepointLine(savepoint: SavepointSummary): string {
  const { path, checkpointId, durationMs, bytes } = savepoint
  return `savepoint of checkpoint ${checkpointId} in ${path}: ${formatMs(durationMs)}, ${formatBytes(bytes)}`
}

/** Event time of operators stands still, with the reason, or goes on. */
export function eventTimeLine(news: EventTimeNews): string {
  if (news.type === 'event-time-resumed') {
    const { operators, watermark, stoodMs } = news
    const names = quoted(operators)
    const after = `after ${formatMs(stoodMs)}`
    if (watermark === Infinity) return `event time goes to the end of the input ${after}: ${names}`
    const are = operators.length === 1 ? 'is' : 'are'
    return `event time goes on ${after}: ${names} ${are} at ${formatInstant(watermark)}`
  }
  const [, ...others] = news.operators
  const also = others.length === 0 ? '' : `; the same holds back ${quoted(others)}`
  return `event time: ${news.explanation.text}${also}`
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ')
}

/** How to go on after a stop or a failure. */
export function goOnLine(isFresh: boolean, checkpointId: number | undefined): string {
  const command = isFresh ? 'the same command without --fresh' : 'the same command'
  return checkpointId === undefined
    ? `no checkpoint is complete: ${command} starts from the beginning`
    : `${command} goes on from checkpoint ${checkpointId}`
}
