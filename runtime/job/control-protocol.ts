import type { SavepointSummary } from '../checkpoint/checkpoint-summary.ts'
import type { ErrorData } from '../errors.ts'
import type { SavepointProgress } from './savepoints.ts'

/**
 * How commands reach a job that runs in another process: by HTTP on the loopback, with a token that only those can read who
 * may read the job's folder.
 *
 * ```
 *   DIR/<job>/control.json    port and token of the run, mode 0600; removed at its end, left behind by a killed one
 *   POST /savepoint, /stop    { path?, drain? } → lines of JSON: progress, then one answer
 * ```
 */
export const CONTROL_FILE = 'control.json'

/** Lines of JSON: tells an answer of millrace from that of whoever has the port by now. */
export const CONTROL_TYPE = 'application/x-millrace-control'

/** What a run can be told to do. */
export type ControlCommand =
  | { readonly verb: 'savepoint'; readonly path: string | undefined }
  /** Stop with a savepoint. */
  | { readonly verb: 'stop'; readonly path: string | undefined; readonly drain: boolean }

/** A line of an answer. */
export type ControlLine =
  | { readonly type: 'progress'; readonly progress: SavepointProgress }
  | { readonly type: 'done'; readonly savepoint: SavepointSummary }
  | { readonly type: 'failed'; readonly error: ErrorData }

/** Where a run listens. */
export interface ControlAddress {
  readonly port: number
  readonly token: string
  /** For messages only. */
  readonly pid: number
}

/** Reads `control.json`; undefined for anything that a run did not write. */
export function decodeAddress(text: string): ControlAddress | undefined {
  try {
    const { port, token, pid } = JSON.parse(text) as Partial<ControlAddress>
    const isPort = Number.isInteger(port) && port! > 0 && port! < 65_536
    if (!isPort || typeof token !== 'string' || typeof pid !== 'number') return undefined
    return { port: port!, token, pid }
  } catch {
    return undefined
  }
}
