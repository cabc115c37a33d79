import type { ErrorData } from '../runtime/errors.ts'
import { explainEventTime } from '../runtime/job/explain-event-time.ts'
import type { JobEvent, JobResult } from '../runtime/job/job-events.ts'
import { jsonError } from './errors.ts'

/**
 * An event as JSON lines, each an object with a `type`; none for what other lines tell.
 *
 * | type | what it tells |
 * | --- | --- |
 * | `started` | job, directory, lineage, parallelism, mode, restored, notes, plan |
 * | `running` | attempt, which has begun to take records |
 * | `progress` | figures, every few seconds; `eventTime` is an explanation for each operator |
 * | `event-time-stalled` | operators whose event time stands still though records come, explanation |
 * | `event-time-resumed` | operators, watermark, stoodMs: it goes on |
 * | `checkpoint`, `checkpoint-failed` | one checkpoint |
 * | `savepoint`, `savepoint-failed` | one savepoint |
 * | `print` | uid and one `line` that a print sink wrote |
 * | `log`, `note` | one line of the job, or of the runner |
 * | `restarting` | attempt, delayMs, error |
 * | `stopping` | a stop has begun |
 * | `finished` | status (`finished`, `already-finished`, `stopped`), lastCheckpoint, metrics |
 * | `error` | code, name, message, fields, cause: the run has failed |
 */
export function jsonLines(event: JobEvent): string {
  switch (event.type) {
    case 'print':
      return printLines(event.uid, event.lines)
    case 'progress':
      return toLine({ ...event, eventTime: explainEventTime(event.eventTime) })
    case 'checkpoint-failed':
    case 'savepoint-failed':
    case 'restarting':
      return toLine({ ...event, error: jsonError(event.error) })
    // Written once, when the run has settled: an error may come before there is a run.
    case 'finished':
    case 'error':
      return ''
    default:
      return toLine(event)
  }
}

/** The line of a run that has ended without a failure. */
export function jsonFinished(result: JobResult): string {
  const { status, lastCheckpoint, metrics } = result
  return toLine({ type: 'finished', status, lastCheckpoint, metrics })
}

/** The line of a failure. */
export function jsonFailure(error: ErrorData): string {
  return toLine({ type: 'error', ...jsonError(error) })
}

function printLines(uid: string, lines: string): string {
  const rows = (lines.endsWith('\n') ? lines.slice(0, -1) : lines).split('\n')
  return rows.map((line) => toLine({ type: 'print', uid, line })).join('')
}

/** A value as one line of JSON. */
export function toLine(value: object): string {
  return `${JSON.stringify(value, jsonValue)}\n`
}

/** What JSON has no notation for is written as text; a Map or Set as an array. */
function jsonValue(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  return value instanceof Map || value instanceof Set ? [...value] : value
}
