import type { CheckpointManifest } from '../runtime/checkpoint/manifest.ts'
import { SystemClock } from '../runtime/clock.ts'
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../runtime/element.ts'
import type { JobPlan } from '../runtime/graph/job-plan.ts'
import { DEFAULT_MAX_PARALLELISM } from '../runtime/job/job-module.ts'
import { buildManifestHeader } from '../runtime/job/manifest-header.ts'
import { checkRestore } from '../runtime/job/restore-checks.ts'
import { numberStates, restoredSubtasks } from '../runtime/job/restore-plan.ts'
import { checkOutputTag, type OutputTag } from '../runtime/operator.ts'
import type { OptionNames } from '../runtime/option-names.ts'
import { buildHarnessJob } from './harness-graph.ts'
import { HandDrivenSlots } from './hand-driven-slots.ts'
import { HandInput } from './hand-input.ts'
import { HandOutput, type OutputElement, type StreamRecord } from './hand-output.ts'
import { ManualClock } from './manual-clock.ts'
import { checkKitOptions, misuse } from './misuse.ts'
import { SimulatedDisk } from './simulated-storage.ts'
import type { UnderTest } from './stream-under-test.ts'

/** State, timers and watermarks of operators under test at one moment. */
export interface OperatorSnapshot {
  readonly manifest: CheckpointManifest
  readonly disk: SimulatedDisk
  /** Processing time when it was taken. */
  readonly processingTime: number
}

export interface OperatorHarnessOptions {
  /** Number of subtasks of operators that set none of their own. Default: that of the snapshot, or 1. */
  readonly parallelism?: number
  /** Number of key groups. Default: that of the snapshot, or 1,024. */
  readonly maxParallelism?: number
  /** What the operators go on from; default: from nothing. */
  readonly snapshot?: OperatorSnapshot
  /** Processing time at the start, in ms since the epoch. Default: that of the snapshot, or a fixed day. */
  readonly processingTime?: number
  /** The clock of the operators, in place of one made for `processingTime`: for functions that are given a clock too. */
  readonly clock?: ManualClock
  /** Records that the output takes before the operators have to wait, as they do under back-pressure. Default: any number. */
  readonly outputCapacity?: number
  /** Whether the operators are opened at once. Default true; false leaves it to `open()`. */
  readonly open?: boolean
}

/** Where operators under test go on from a snapshot. */
export interface RestoreOptions {
  /** Number of subtasks from now on. Default: that of the snapshot. */
  readonly parallelism?: number
}

const RESTORE: OptionNames<RestoreOptions> = { parallelism: true }

const RECORD: OptionNames<InputRecord<unknown>> = { value: true, timestamp: true }

/** What goes in: a value, with a timestamp where it has one. */
export interface InputRecord<In> {
  readonly value: In
  readonly timestamp?: number | undefined
}

/** What harnesses of one and of two inputs have in common: all but the verbs of the inputs. */
export abstract class StreamHarness<R> {
  protected readonly underTest: UnderTest
  readonly #options: OperatorHarnessOptions
  readonly #clock: ManualClock
  readonly #system: SystemClock = new SystemClock()
  readonly #inputs: readonly HandInput[]
  readonly #output: HandOutput
  readonly #plan: JobPlan
  readonly #states: CheckpointManifest['states']
  readonly #disk: SimulatedDisk
  readonly #slots: HandDrivenSlots
  #phase: 'new' | 'open' | 'closed' = 'new'

  /** Called by `operatorHarness`. */
  constructor(test: UnderTest, options: OperatorHarnessOptions) {
    this.underTest = test
    this.#options = options
    const { snapshot, clock, processingTime, outputCapacity = Infinity } = options
    this.#clock = clock ?? new ManualClock(processingTime ?? snapshot?.processingTime)
    this.#inputs =
      test.inputs === 1
        ? [new HandInput('harness-input')]
        : [new HandInput('harness-input-1'), new HandInput('harness-input-2')]
    this.#output = new HandOutput(outputCapacity)
    const { graph, plan } = buildHarnessJob({
      underTest: test,
      inputs: this.#inputs,
      output: this.#output,
      shape: {
        parallelism: options.parallelism ?? snapshot?.manifest.parallelism ?? 1,
        maxParallelism:
          options.maxParallelism ?? snapshot?.manifest.maxParallelism ?? DEFAULT_MAX_PARALLELISM,
      },
    })
    if (snapshot !== undefined) {
      checkRestore(snapshot.manifest, plan, { nonRestoredState: false })
    }
    this.#plan = plan
    this.#states = numberStates(plan, snapshot?.manifest)
    this.#disk = snapshot?.disk ?? new SimulatedDisk()
    this.#slots = new HandDrivenSlots({
      graph,
      plan,
      states: this.#states,
      clock: this.#clock,
      disk: this.#disk,
      restored: snapshot === undefined ? [] : restoredSubtasks(snapshot.manifest, plan, true),
    })
  }

  /**
   * Opens the operators, from the snapshot if there is one: needed only where the harness was made with `open: false`. Rejects
   * with what an `open` fails with.
   */
  async open(): Promise<void> {
    if (this.#phase !== 'new') {
      throw misuse('open()', `the harness is ${this.#phase} already; make another one.`)
    }
    this.#phase = 'open'
    await this.#slots.open()
  }

  // --- What goes in ---

  /** Hands records to an input; all that they cause has happened when this returns. */
  protected giveElements(
    verb: string,
    index: number,
    records: readonly InputRecord<unknown>[],
  ): void {
    const [input] = this.#openInputs(verb, [index])
    for (const record of records) {
      checkKitOptions(record, RECORD, `a record of ${verb}`)
      const { value, timestamp = MIN_TIMESTAMP } = record
      input!.push(value, timestamp)
    }
    this.#turn()
  }

  protected giveWatermark(verb: string, indexes: readonly number[], watermark: number): void {
    if (!Number.isSafeInteger(watermark)) throw noWatermark(verb, watermark)
    for (const input of this.#openInputs(verb, indexes)) input.setWatermark(watermark)
    this.#turn()
  }

  protected giveStatus(verb: string, indexes: readonly number[], status: 'active' | 'idle'): void {
    const given: unknown = status
    if (given !== 'active' && given !== 'idle') throw noStatus(verb, given)
    for (const input of this.#openInputs(verb, indexes)) input.setStatus(status)
    this.#turn()
  }

  protected giveEnd(verb: string, indexes: readonly number[]): void {
    for (const input of this.#openInputs(verb, indexes)) input.end()
    this.#turn()
  }

  /** Those of the inputs that have not ended; fails where none is left. */
  #openInputs(verb: string, indexes: readonly number[]): HandInput[] {
    this.#checkOpen(verb)
    const open = indexes.map((index) => this.#inputs[index]!).filter((input) => !input.hasEnded)
    if (open.length > 0) return open
    const which = indexes.length > 1 || this.#inputs.length === 1 ? '' : ` ${indexes[0]! + 1}`
    throw misuse(verb, `input${which} has ended; nothing can follow; call it before endInput.`)
  }

  #checkOpen(verb: string): void {
    if (this.#phase === 'open') return
    const wayOut =
      this.#phase === 'new'
        ? 'await open() before it'
        : 'call it before close() and restore(), or on what restore() returned'
    throw misuse(
      verb,
      `the harness is ${this.#phase === 'new' ? 'not open yet' : 'closed'}; there are no operators to take it; ${wayOut}.`,
    )
  }

  #turn(): void {
    this.#slots.turn()
    while (this.#output.isFull) {
      this.#output.release()
      this.#slots.turn()
    }
  }

  /** Moves processing time on to this moment, in ms since the epoch; a timer for T fires once time is past T. */
  setProcessingTime(timestamp: number): void {
    const now = this.#clock.now()
    if (!Number.isSafeInteger(timestamp) || timestamp < now) {
      throw misuse(
        'setProcessingTime()',
        `it was given ${String(timestamp)}, and processing time is ${now} already; time cannot go back; give a whole number of milliseconds that is not lower.`,
      )
    }
    this.advanceProcessingTime(timestamp - now)
  }

  advanceProcessingTime(ms: number): void {
    this.#checkOpen('advanceProcessingTime()')
    if (!(ms >= 0 && ms < Infinity)) {
      throw misuse(
        'advanceProcessingTime()',
        `it was given ${String(ms)}; time cannot move by that; give milliseconds, 0 or more.`,
      )
    }
    this.#clock.advance(ms)
    this.#turn()
  }

  /**
   * Lets promises settle, such as those of asynchronous functions, and all happen that follows from it. It waits neither for
   * processing time nor for real time to pass.
   */
  async settle(): Promise<void> {
    this.#checkOpen('settle()')
    for (;;) {
      await new Promise<void>((resolve) => this.#system.nextTurn(resolve))
      if (this.#clock.pendingTurns === 0) return
      this.#turn()
    }
  }

  /** In ms since the epoch. */
  get processingTime(): number {
    return this.#clock.now()
  }

  // --- What comes out ---

  /** Everything that has come out, in that order: records with their timestamps, and watermarks. */
  output(): OutputElement<R>[] {
    return [...this.#output.elements] as OutputElement<R>[]
  }

  /** The records among them. */
  outputRecords(): StreamRecord<R>[] {
    return this.output().filter((element) => 'value' in element)
  }

  /** The values of these records. */
  outputValues(): R[] {
    return this.outputRecords().map(({ value }) => value)
  }

  /** Everything that any of the operators has emitted to this side output. */
  sideOutput<S>(tag: OutputTag<S>): StreamRecord<S>[] {
    checkOutputTag(tag, 'sideOutput()')
    return [...this.#output.sideOutput(tag)] as StreamRecord<S>[]
  }

  sideOutputValues<S>(tag: OutputTag<S>): S[] {
    return this.sideOutput(tag).map(({ value }) => value)
  }

  /** The last watermark that came out; -Infinity before the first, Infinity after the end of input. */
  get currentWatermark(): number {
    return this.#output.watermark
  }

  /** A counter such as `numLateRecordsDropped`, over all operators; 0 if nothing was counted. */
  counter(name: string): number {
    return this.#output.counter(name)
  }

  // --- What is kept ---

  /** Timers set and neither fired nor deleted, over all keys. */
  get numEventTimeTimers(): number {
    return this.#slots.countTimers('event')
  }

  get numProcessingTimeTimers(): number {
    return this.#slots.countTimers('processing')
  }

  /** Number of (key, namespace, state) cells that hold something. */
  get numKeyedStateEntries(): number {
    return this.#slots.entryCount
  }

  /** Whether any of the operators is keyed: what keys keep can be moved to another parallelism. */
  get isKeyed(): boolean {
    return this.#plan.edges.some(({ partitioner }) => partitioner === 'hash')
  }

  /** Takes a checkpoint and completes it; the harness goes on. Waits for promises where operators have not taken all input. */
  async snapshot(): Promise<OperatorSnapshot> {
    this.#checkOpen('snapshot()')
    if (this.#inputs.every((input) => input.hasEnded)) {
      throw misuse(
        'snapshot()',
        'all input has ended; nothing could go on from it; take it before endInput.',
      )
    }
    if (this.#isWaiting) await this.settle()
    if (this.#isWaiting) {
      throw misuse(
        'snapshot()',
        'the operators have not taken all of their input; what waits would be in no snapshot; let them take it before, with settle() or by moving time on.',
      )
    }
    const { checkpointId, subtasks } = await this.#slots.snapshot()
    const facts = {
      millrace: 'test',
      lineage: 'harness',
      ancestry: [],
      workingDirectory: '',
      sources: {},
    }
    const manifest: CheckpointManifest = {
      ...buildManifestHeader(this.#plan, facts, this.#states),
      checkpointId,
      kind: 'checkpoint',
      createdAt: this.#clock.now(),
      subtasks,
      enumerators: {},
    }
    return { manifest, disk: this.#disk, processingTime: this.#clock.now() }
  }

  get #isWaiting(): boolean {
    return this.#inputs.some((input) => input.isWaiting)
  }

  /** The options of the harness that goes on from a snapshot in the place of this one, which is closed. */
  protected async replacedBy(
    snapshot: OperatorSnapshot,
    options: RestoreOptions,
  ): Promise<OperatorHarnessOptions> {
    checkKitOptions(options, RESTORE, 'restore()')
    if ((snapshot as OperatorSnapshot | undefined)?.manifest === undefined) {
      throw misuse(
        'restore()',
        'it was given something that is no snapshot; there is nothing to go on from; give what snapshot() returned: await harness.snapshot().',
      )
    }
    await this.close()
    const { clock, outputCapacity } = this.#options
    return {
      ...options,
      snapshot,
      ...(clock === undefined ? {} : { clock }),
      ...(outputCapacity === undefined ? {} : { outputCapacity }),
    }
  }

  /** Closes the operators, as at the end of an attempt; what has come out can be read on. */
  async close(): Promise<void> {
    this.#phase = 'closed'
    await this.#slots.close()
  }
}

function noStatus(verb: string, given: unknown): Error {
  return misuse(
    verb,
    `it was given ${String(given)} (${typeof given}); no input has that status; give "active" or "idle", and end an input with endInput.`,
  )
}

function noWatermark(verb: string, watermark: number): Error {
  const wayOut =
    watermark === MAX_TIMESTAMP
      ? 'the final watermark comes with endInput()'
      : 'give a whole number of milliseconds'
  return misuse(verb, `it was given ${String(watermark)}, which is no watermark; ${wayOut}.`)
}
