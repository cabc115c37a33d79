import type { Port } from '../channel/port.ts'
import { type Cancel, type Clock, SystemClock, SystemRandom } from '../clock.ts'
import { RestartableError, StreamError, thrownText, toErrorData } from '../errors.ts'
import { processFailpoint } from '../failpoint.ts'
import type { LinkMessage, SlotCommand, SlotReport } from '../messages.ts'
import { LevelDbBackend } from '../state/leveldb-backend.ts'
import { MemoryBackend } from '../state/memory-backend.ts'
import type { BackendContext, KeyedStateBackend } from '../state/state-backend.ts'
import { Slot } from '../task/slot.ts'
import { captureOutput } from './console-capture.ts'
import type { BuiltJob, JobModule } from './job-module.ts'
import { loadFailure, loadJob } from './load-job.ts'
import { threadPort } from './thread-port.ts'
import { openWorkerStorage } from './worker-storage.ts'
import type { WorkerTask } from './worker-task.ts'

/** Longest synchronous stretch of a worker's loop (N11), and records a subtask takes before the next has its turn. */
const SLICE_MS = 8
const QUANTUM = 1_024
/**
 * So much is read back in about a quarter of a second, and stays in memory as far as there is room. Tests that load little state
 * late set another number in the environment.
 */
const EAGER_RESTORE_BYTES = Number(
  process.env['MILLRACE_EAGER_RESTORE_BYTES'] ?? 16 * 1_024 * 1_024,
)
/** Bytes of changes in memory from which on they are written to files; for tests whose jobs have few. */
const CHANGE_BYTES = process.env['MILLRACE_CHANGE_BYTES']
/** Benchmarks set it to `memory`, to say what LevelDB costs: all state then stays in the heap, whatever its size. */
const STATE_BACKEND = process.env['MILLRACE_STATE_BACKEND']
/** How often the heartbeat turns beside the slot's own loop: while the job is imported and state restored (R37). */
const PULSE_MS = 1_000

/**
 * Entry of a worker thread: imports the job, builds its graph and runs one slot until it is cancelled.
 *
 * The returned promise is the Piscina task; it settles when everything has been closed.
 */
export default async function runSlot(task: WorkerTask): Promise<void> {
  // A thread does not inherit it: stacks of compiled jobs then name the lines that the user wrote (N20).
  process.setSourceMapsEnabled(true)
  const control = threadPort<SlotReport, SlotCommand>(task.control)
  const clock = new SystemClock()
  const heartbeat = new Int32Array(task.heartbeat)
  const { attempt, slot } = task.settings
  const fail = (error: unknown, operator?: string): void => {
    control.post({ type: 'failed', attempt, slot, error: toErrorData(error), operator })
  }
  const endPulse = pulse(clock, heartbeat)
  let nodeNames: readonly string[] = []
  captureOutput(clock, (line) => {
    const uid = nodeNames[heartbeat[0]! - 1]
    control.post({ type: 'log', attempt, slot, uid, subtaskIndex: slot, line })
  })
  // Code that the job left running: a rejected promise or a callback, of which only the thread is known.
  process.on('uncaughtException', (error) => fail(uncaught(error, slot)))
  try {
    const job = await loadJob(task.jobUrl)
    const { graph, plan } = buildGraph(job, task)
    nodeNames = graph.nodes.map((node) => node.name)
    const running = new Slot({
      settings: task.settings,
      graph,
      structuralHash: plan.structuralHash,
      clock,
      random: new SystemRandom(),
      control,
      links: task.links.map((port) =>
        port === undefined ? undefined : threadPort<LinkMessage, LinkMessage>(port),
      ),
      ...(await openWorkerStorage({
        directory: task.checkpointDirectory,
        epoch: task.epoch,
        usesS3: task.usesS3,
      })),
      createBackend,
      heartbeat,
      sliceMs: SLICE_MS,
      quantum: QUANTUM,
      roundsPerTurn: Infinity,
      // What is strict also tries how state is found that is not loaded yet, however little there is.
      eagerRestoreBytes: task.settings.strict ? 0 : EAGER_RESTORE_BYTES,
      failpoint: processFailpoint(process.env['MILLRACE_FAILPOINT']),
    })
    await running.closed
  } catch (error) {
    fail(error)
    await cancelled(control)
    control.post({ type: 'closed', attempt, slot })
  } finally {
    endPulse()
    for (const port of task.links) port?.close()
  }
}

function createBackend(context: BackendContext): KeyedStateBackend {
  if (STATE_BACKEND === 'memory') return new MemoryBackend(context)
  if (CHANGE_BYTES === undefined) return new LevelDbBackend(context)
  return new LevelDbBackend({ ...context, changeBytes: Number(CHANGE_BYTES) })
}

function buildGraph(job: JobModule, task: WorkerTask): BuiltJob {
  const { parallelism, maxParallelism } = task.settings
  try {
    return job.build(task.params, { parallelism, maxParallelism })
  } catch (error) {
    throw loadFailure(error, task.jobUrl)
  }
}

/** Counts turns of the event loop; a thread that is stuck in a function counts none. */
function pulse(clock: Clock, heartbeat: Int32Array): Cancel {
  let cancel: Cancel
  const turn = (): void => {
    heartbeat[1] = (heartbeat[1]! + 1) | 0
    cancel = clock.schedule(PULSE_MS, turn)
  }
  turn()
  return () => cancel()
}

function uncaught(error: unknown, slot: number): Error {
  if (error instanceof StreamError) return error
  return new RestartableError(
    'MR_FUNCTION_FAILED',
    `Code of the job in slot ${slot} failed outside of any callback (${thrownText(error)}); what it was doing is lost, so the attempt ends; await every promise, and catch errors in timers and events.`,
    { slot },
    error,
  )
}

function cancelled(control: Port<SlotReport, SlotCommand>): Promise<void> {
  return new Promise((resolve) => {
    control.onMessage((command) => {
      if (command.type === 'cancel') resolve()
    })
  })
}
