import type { Port } from '../../../runtime/channel/port.ts'
import { toErrorData } from '../../../runtime/errors.ts'
import type { JobPlan } from '../../../runtime/graph/job-plan.ts'
import type { SlotCommand, SlotReport, SubtaskId } from '../../../runtime/messages.ts'
import type {
  LaunchedSlots,
  SlotDeployment,
  SlotLauncher,
} from '../../../runtime/job/slot-launcher.ts'

type Report = SlotReport extends infer R
  ? R extends { attempt: number; slot: number }
    ? Omit<R, 'attempt' | 'slot'>
    : never
  : never

/** What a test does in place of the usual answer to a command: true is "I have answered". */
export type Script = (
  slot: FakeSlot,
  command: SlotCommand | { readonly type: 'launch' },
) => boolean | void

/** One slot of the test: it answers as a real one does, unless the script says otherwise. */
export class FakeSlot {
  readonly launch: FakeLaunch
  readonly index: number
  readonly attempt: number
  readonly commands: SlotCommand[] = []
  readonly heartbeat: Int32Array = new Int32Array(2)
  #receive: ((report: SlotReport) => void) | undefined
  #waiting: SlotReport[] = []
  readonly finished: Set<string> = new Set()

  constructor(launch: FakeLaunch, index: number, attempt: number) {
    this.launch = launch
    this.index = index
    this.attempt = attempt
  }

  get control(): Port<SlotCommand, SlotReport> {
    return {
      post: (command) => void queueMicrotask(() => this.#obey(command)),
      onMessage: (receive) => {
        this.#receive = receive
        for (const report of this.#waiting.splice(0)) receive(report)
      },
      close: () => {},
    }
  }

  report(body: Report, attempt = this.attempt): void {
    const report = { ...body, attempt, slot: this.index } as SlotReport
    queueMicrotask(() => {
      if (this.#receive === undefined) this.#waiting.push(report)
      else this.#receive(report)
    })
  }

  fail(error: Error, operator?: string): void {
    this.report({ type: 'failed', error: toErrorData(error), operator })
  }

  /** All input of this slot has ended. */
  finish(): void {
    for (const subtask of this.#subtasks()) {
      this.finished.add(`${subtask.vertex}`)
      this.report({ type: 'subtask-finished', subtask })
    }
  }

  start(): void {
    if (this.launch.slots.script(this, { type: 'launch' }) === true) return
    const { structuralHash } = this.launch.slots.plan
    this.report({ type: 'built', structuralHash, nodeNames: ['source', 'count', 'sink'] })
  }

  #obey(command: SlotCommand): void {
    this.commands.push(command)
    if (this.launch.slots.script(this, command) !== true) this.answer(command)
  }

  answer(command: SlotCommand): void {
    if (command.type === 'check-output') this.report({ type: 'output-checked' })
    else if (command.type === 'prepare-output') this.report({ type: 'output-prepared' })
    else if (command.type === 'open') this.report({ type: 'opened' })
    else if (command.type === 'cancel') this.report({ type: 'closed' })
    else if (command.type === 'trigger') {
      const { checkpointId } = command
      this.report({ type: 'enumerators', checkpointId, states: {} })
      for (const slot of this.launch.running) slot.#acknowledge(checkpointId, slot.#subtasks())
    } else if (command.type === 'snapshot-ended') {
      this.#acknowledge(command.checkpointId, command.subtasks)
    } else if (command.type === 'checkpoint-completed') {
      const { checkpointId } = command
      for (const subtask of this.#subtasks())
        this.report({ type: 'committed', checkpointId, subtask })
    }
  }

  #acknowledge(checkpointId: number, subtasks: readonly SubtaskId[]): void {
    for (const subtask of subtasks) {
      const isFinished = this.finished.has(`${subtask.vertex}`)
      const part = {
        segment: undefined,
        operatorState: {},
        watermarks: {},
        isFinished,
        extraBytes: 0,
      }
      this.report({ type: 'acknowledge', checkpointId, subtask, part })
    }
  }

  #subtasks(): SubtaskId[] {
    return this.launch.slots.plan.vertices.map(({ index }) => ({
      vertex: index,
      subtask: this.index,
    }))
  }
}

/** The slots of one attempt. */
export class FakeLaunch {
  readonly slots: FakeSlots
  readonly running: readonly FakeSlot[]
  isDestroyed = false
  lose: ((slot: number, error: unknown) => void) | undefined

  constructor(slots: FakeSlots, deployments: readonly SlotDeployment[]) {
    this.slots = slots
    this.running = deployments.map(
      ({ settings }) => new FakeSlot(this, settings.slot, settings.attempt),
    )
  }

  types(slot = 0): string[] {
    return this.running[slot]!.commands.map((command) => command.type)
  }
}

/** Launches slots that are objects of the test. */
export class FakeSlots implements SlotLauncher {
  readonly plan: JobPlan
  readonly script: Script
  readonly launches: FakeLaunch[] = []
  /** Set: threads do not end. */
  isStuck = false
  pulses = true
  /** Called at each launch, before anything else. */
  onLaunch: (() => void | Promise<void>) | undefined

  constructor(plan: JobPlan, script: Script = () => {}) {
    this.plan = plan
    this.script = script
  }

  async launch(deployments: readonly SlotDeployment[]): Promise<LaunchedSlots> {
    await this.onLaunch?.()
    const launch = new FakeLaunch(this, deployments)
    this.launches.push(launch)
    for (const slot of launch.running) slot.start()
    return {
      controls: launch.running.map((slot) => slot.control),
      heartbeats: launch.running.map((slot) => slot.heartbeat),
      pulses: this.pulses,
      onLost: (lose) => {
        launch.lose = lose
      },
      destroy: async () => {
        if (this.isStuck) await new Promise(() => {})
        launch.isDestroyed = true
      },
    }
  }
}
