import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { expect } from 'vitest'
import { tellFailure } from '../../cli/failure.ts'
import type { Host } from '../../cli/host.ts'
import type { ErrorCode } from '../../runtime/errors.ts'
import { eventOf, type Run } from './run.ts'

/** What an error must tell whoever meets it. */
export interface Told {
  readonly code: ErrorCode
  readonly where: string | RegExp
  /** What was found there. */
  readonly what: string | RegExp
  readonly prevents: string | RegExp
  readonly wayOut: string | RegExp
  /** 2 for a mistake in the command line; default 1. */
  readonly exit?: 1 | 2
}

const living = new Set<Worker>()
process.on('worker', (worker: Worker) => {
  living.add(worker)
  worker.on('exit', () => living.delete(worker))
})

/** Waits until no thread is left: where time is stepped on, a run does not wait that long for them. */
export async function threadsEnded(): Promise<void> {
  await Promise.all(
    [...living].map((worker) => new Promise((resolve) => worker.on('exit', resolve))),
  )
}

/**
 * Checks that a run has failed with that error, which tells all that it must on one line, and what the command line makes of
 * it: the exit code, and what is shown. Returns what is shown. No thread may be left.
 */
export function expectFailure(run: Run, told: Told): string {
  const { error } = run
  expect(error).toMatchObject({ code: told.code })
  const message = error!.message
  for (const part of ['where', 'what', 'prevents', 'wayOut'] as const) {
    expect(message, part).toMatch(told[part])
  }
  expect(message).not.toMatch(/\n|\[object /)
  expect(eventOf(run, 'error')?.error).toMatchObject({ code: told.code, message })
  expect([...living].map((worker) => worker.threadId)).toEqual([])
  const { exitCode, shown } = shownAs(error!, eventOf(run, 'started') !== undefined)
  expect(exitCode).toBe(told.exit ?? 1)
  expect(shown).toContain(`error ${told.code}: ${message}\n`)
  // Whoever reads it has not written the engine.
  expect(shown).not.toMatch(/^\s+at .*(cli|runtime|operators|connectors)\//m)
  return shown
}

/**
 * Checks that a run has left nothing of its own: no working state, and nothing in the output but what is committed. A checkpoint
 * that was under way may leave what it would have committed: only the next run knows that nobody will.
 */
export async function expectNothingLeft(state: string, out: string): Promise<void> {
  expect(existsSync(join(state, 'work'))).toBe(false)
  const names = existsSync(out) ? await readdir(out) : []
  expect(names.filter((name) => /^\.(?!.*\.pending$)/.test(name))).toEqual([])
}

function shownAs(error: Error, isStarted: boolean): { exitCode: number; shown: string } {
  let shown = ''
  const stream = { write: (text: string) => ((shown += text), true) }
  const host = { stdout: stream, stderr: stream } as unknown as Host
  return { exitCode: tellFailure(error, { json: false, isStarted }, host), shown }
}
