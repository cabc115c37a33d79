import type { Host } from '../../cli/host.ts'
import type { TextStream } from '../../cli/screen.ts'
import type { StopSignal } from '../../cli/signals.ts'
import { StreamError } from '../../runtime/errors.ts'
import type { JobPlan } from '../../runtime/graph/job-plan.ts'
import type { EventTimeFigures } from '../../runtime/event-time.ts'
import { explainEventTime } from '../../runtime/job/explain-event-time.ts'
import type { JobEvent, JobResult } from '../../runtime/job/job-events.ts'
import { ManualClock } from '../../testing/manual-clock.ts'

/** A stream that keeps what is written; as a terminal it also shows what would be on the screen. */
export class FakeStream implements TextStream {
  text = ''
  isFull = false
  readonly isTerminal: boolean
  readonly columns: number | undefined
  #release: () => void = () => {}

  constructor(columns?: number) {
    this.isTerminal = columns !== undefined
    this.columns = columns
  }

  write(text: string): boolean {
    this.text += text
    return !this.isFull
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#release = resolve
    })
  }

  drain(): void {
    this.isFull = false
    this.#release()
  }

  /** The lines as a terminal shows them: what follows a carriage return overwrites what was there. */
  get lines(): string[] {
    return this.text.split('\n').map((line) => {
      let shown = ''
      for (const part of line.split('\r')) shown = part + shown.slice(part.length)
      return shown.trimEnd()
    })
  }
}

/** A host whose job is a script of the test. */
export class FakeHost implements Host {
  readonly stdout: FakeStream
  readonly stderr: FakeStream
  readonly env: NodeJS.ProcessEnv = {}
  readonly clock: ManualClock = new ManualClock()
  readonly version = '1.2.3'
  readonly exits: number[] = []
  signal: (signal: StopSignal) => void = () => {}
  closeOutput: () => void = () => {}
  runJob: Host['runJob'] = () => Promise.resolve(result())
  planJob: Host['planJob'] = () => Promise.resolve({ plan: plan(), params: {} })
  describeJob: Host['describeJob'] = () => Promise.resolve({ name: 'cards', parameters: [] })

  commandJob: Host['commandJob'] = (_job, _command, onProgress) => {
    onProgress({ stage: 'checkpoint' })
    onProgress({ stage: 'copy', copied: 10, total: 20 })
    onProgress({ stage: 'copy', copied: 20, total: 20 })
    return Promise.resolve({
      path: '/backup/7',
      lineage: '0123456789abcdef',
      checkpointId: 7,
      durationMs: 5,
      bytes: 20,
    })
  }

  constructor(streams: { stdout?: FakeStream; stderr?: FakeStream } = {}) {
    this.stdout = streams.stdout ?? new FakeStream()
    this.stderr = streams.stderr ?? new FakeStream()
  }

  onStopSignal(callback: (signal: StopSignal) => void): () => void {
    this.signal = callback
    return () => {
      this.signal = () => {}
    }
  }

  onOutputClosed(callback: () => void): void {
    this.closeOutput = callback
  }

  exit(code: number): void {
    this.exits.push(code)
  }
}

/** A source, two keyed operators behind a shuffle, and a file sink. */
export function plan(): JobPlan {
  const stateless = { states: [], hasTimers: false, parent: -1, parentTag: undefined }
  return {
    job: 'cards',
    parallelism: 2,
    maxParallelism: 1_024,
    vertices: [
      {
        index: 0,
        name: 'transactions',
        parallelism: 2,
        chain: [
          {
            ...stateless,
            name: 'transactions',
            uid: 'transactions',
            type: 'source',
            operatorKind: 'file',
            parallelism: 2,
            identity: { path: '/data/cards.csv' },
            boundedness: 'bounded',
          },
          {
            ...stateless,
            name: 'map-1',
            uid: undefined,
            type: 'operator',
            operatorKind: 'map',
            parallelism: 2,
            parent: 0,
          },
        ],
      },
      {
        index: 1,
        name: 'velocity',
        parallelism: 2,
        chain: [
          {
            ...stateless,
            name: 'velocity',
            uid: 'velocity',
            type: 'operator',
            operatorKind: 'process',
            parallelism: 2,
            states: [{ name: 'recent', kind: 'list', version: 1 }],
            hasTimers: true,
          },
          {
            ...stateless,
            name: 'small',
            uid: 'small',
            type: 'operator',
            operatorKind: 'process',
            parallelism: 2,
            states: [
              { name: 'small', kind: 'value', version: 3 },
              { name: 'seen', kind: 'map', version: 1 },
            ],
          },
        ],
      },
      {
        index: 2,
        name: 'alerts',
        parallelism: 1,
        chain: [
          {
            ...stateless,
            name: 'alerts',
            uid: 'alerts',
            type: 'sink',
            operatorKind: 'file',
            parallelism: 1,
            identity: { dir: '/data/alerts' },
            guarantee: 'exactly-once',
          },
        ],
      },
    ],
    edges: [
      {
        id: 0,
        fromVertex: 0,
        fromOperator: 'map-1',
        fromTag: undefined,
        toVertex: 1,
        toInput: 1,
        partitioner: 'hash',
      },
      {
        id: 1,
        fromVertex: 1,
        fromOperator: 'velocity',
        fromTag: undefined,
        toVertex: 2,
        toInput: 1,
        partitioner: 'rebalance',
      },
      {
        id: 2,
        fromVertex: 1,
        fromOperator: 'small',
        fromTag: 'late',
        toVertex: 2,
        toInput: 1,
        partitioner: 'rebalance',
      },
    ],
    parameters: [],
    params: {},
    restart: undefined,
    structuralHash: 'ab',
  }
}

export function started(
  changes: Partial<Extract<JobEvent, { type: 'started' }>> = {},
): Extract<JobEvent, { type: 'started' }> {
  return {
    type: 'started',
    job: 'cards',
    directory: '/jobs/.millrace/cards',
    lineage: '0123456789abcdef',
    parallelism: 2,
    mode: 'fresh',
    restored: undefined,
    plan: plan(),
    notes: [],
    ...changes,
  }
}

export function checkpoint(checkpointId: number): Extract<JobEvent, { type: 'checkpoint' }> {
  return {
    type: 'checkpoint',
    lineage: '0123456789abcdef',
    checkpointId,
    kind: 'checkpoint',
    durationMs: 41,
    bytes: 12_345,
    path: `/jobs/.millrace/cards/checkpoints/0123456789abcdef/${checkpointId}`,
  }
}

/** One operator that no time reaches. */
export const eventTime: EventTimeFigures = {
  subtasks: [
    {
      operator: 'hourly',
      subtask: 0,
      watermark: -Infinity,
      forwarded: -Infinity,
      status: 'active',
      standsMs: 12_000,
      silentMs: 0,
      hasTimers: true,
      holdsBack: false,
      alignmentGroup: undefined,
      hold: { kind: 'no-strategy' },
    },
  ],
}

export function stalled(...others: string[]): Extract<JobEvent, { type: 'event-time-stalled' }> {
  const explanation = explainEventTime(eventTime)[0]!
  return { type: 'event-time-stalled', operators: ['hourly', ...others], explanation }
}

export function progress(recordsRead: number): Extract<JobEvent, { type: 'progress' }> {
  return {
    type: 'progress',
    elapsedMs: 2_000,
    recordsRead,
    recordsPerSecond: recordsRead / 2,
    recordsWritten: 87,
    watermark: Date.UTC(2019, 0, 1, 3, 12, 45),
    watermarkLagMs: 5_000,
    eventTime: { subtasks: [] },
    lastCheckpoint: undefined,
    counters: {},
    operators: {},
  }
}

export function result(changes: Partial<JobResult> = {}): JobResult {
  return {
    status: 'finished',
    lastCheckpoint: { ...checkpoint(8), kind: 'final' },
    metrics: {
      recordsRead: 36_000,
      recordsWritten: 412,
      checkpoints: 7,
      restarts: 0,
      durationMs: 12_000,
      counters: {},
      operators: {},
    },
    collected: {},
    ...changes,
  }
}

/** An error as the engine would throw it: no frame of its stack is in the user's code. */
export function coded(...args: ConstructorParameters<typeof StreamError>): StreamError {
  const error = new StreamError(...args)
  error.stack = `StreamError: ${error.message}\n    at runJob (node:internal/none:1:1)`
  return error
}
