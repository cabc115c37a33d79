import { type Source, string } from 'millrace'
import { beforeEach } from 'vitest'
import {
  kinesisSourceOn,
  type KinesisSourceOptions,
} from '../../../connectors/kinesis/kinesis-source.ts'
import { SystemClock } from '../../../runtime/clock.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { SourceRun, type SourceRunOptions } from '../../contract/source-run.ts'
import { FakeStream } from './fake-stream.ts'

/** When time begins. */
export const T0 = 1_700_000_000_000
/** The shard that a stream begins with. */
export const FIRST = 'shardId-000000000000'

/** The stream that is read, and the time; new for each test of a file that has called `freshStreams`. */
export let stream: FakeStream
export let clock: ManualClock

/** To be called once by a test file. */
export function freshStreams(): void {
  beforeEach(() => {
    stream = new FakeStream(1)
    clock = new ManualClock()
  })
}

/** Has another stream be read from now on. */
export function useStream(other: FakeStream): void {
  stream = other
}

function sourceOf<T = string>(options: Partial<KinesisSourceOptions<string, T>> = {}): Source<T> {
  return kinesisSourceOn<string, T>(stream.clients, {
    stream: 'clicks',
    value: string(),
    start: 'earliest',
    ...options,
  })
}

/** Starts a source that reads it. */
export function start<T = string>(
  options: Partial<KinesisSourceOptions<string, T>> = {},
  run: SourceRunOptions = {},
): Promise<SourceRun<T>> {
  return new SourceRun(sourceOf(options), { clock, ...run }).start()
}

/** Lets so much time go by, with all that happens in it. */
export async function pass(ms: number): Promise<void> {
  const end = clock.elapsed() + ms
  for (;;) {
    await settle()
    const next = clock.nextDelay
    if (next === undefined || clock.elapsed() + next > end) break
    clock.advance(next)
  }
  clock.advance(end - clock.elapsed())
  await settle()
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) {
    await new Promise<void>((resolve) => new SystemClock().nextTurn(resolve))
  }
}

/** Writes values under one key. */
export function put(...values: readonly string[]): void {
  for (const value of values) stream.put('key', value)
}

/** Numbers as texts. */
export const texts = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => String(from + i))

/** All that comes in this time. */
export async function readFor<T>(run: SourceRun<T>, ms: number): Promise<readonly T[]> {
  for (let i = 0; i < ms; i += 50) {
    await pass(50)
    while (run.poll() === 'more');
  }
  return run.values
}
