import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SeededRandom, SystemClock } from '../../runtime/clock.ts'
import type { JobEvent, JobResult, RunJobOptions } from '../../runtime/job/job-events.ts'
import { type RunEnvironment, runJobIn } from '../../runtime/job/run-job.ts'

/** A finished run, with everything that it told. */
export interface Run {
  readonly events: readonly JobEvent[]
  readonly result: JobResult | undefined
  readonly error: (Error & { readonly code?: string; readonly fields?: object }) | undefined
}

export function jobUrl(name: string): URL {
  return new URL(`./jobs/${name}.ts`, import.meta.url)
}

let seed = 1

/** Runs a job on real threads, with short intervals; resolves however it ends. */
export async function run(
  job: URL | string,
  options: RunJobOptions,
  environment: Partial<RunEnvironment> = {},
): Promise<Run> {
  const events: JobEvent[] = []
  const merged: RunJobOptions = {
    parallelism: 1,
    checkpointInterval: 50,
    memory: '256mb',
    progressInterval: 0,
    ...options,
    onEvent: (event) => {
      events.push(event)
      options.onEvent?.(event)
    },
  }
  try {
    const result = await runJobIn(job, merged, {
      clock: new SystemClock(),
      random: new SeededRandom(seed++),
      failpoint: () => {},
      ...environment,
    })
    return { events, result, error: undefined }
  } catch (error) {
    return { events, result: undefined, error: error as Error }
  }
}

/** The first event of a type. */
export function eventOf<T extends JobEvent['type']>(
  run: Run,
  type: T,
): Extract<JobEvent, { type: T }> | undefined {
  return run.events.find((event) => event.type === type) as
    Extract<JobEvent, { type: T }> | undefined
}

/** The rows of finished files, in order of their index. */
export async function rowsOf(out: string): Promise<{ key: string; index: number; n: number }[]> {
  const names = (await readdir(out)).filter((name) => !name.startsWith('.'))
  const texts = await Promise.all(names.map((name) => readFile(join(out, name), 'utf8')))
  const lines = texts.flatMap((text) => text.split('\n').filter((line) => line !== ''))
  return lines
    .map((line) => JSON.parse(line) as { key: string; index: number; n: number })
    .sort((a, b) => a.index - b.index)
}

/** What the counting job must put out. */
export function expectedRows(count: number): { key: string; index: number; n: number }[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `k${index % 10}`,
    index,
    n: Math.floor(index / 10) + 1,
  }))
}
