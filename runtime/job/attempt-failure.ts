import { asError, RestartableError, StreamError } from '../errors.ts'
import { quotedNames } from '../names.ts'

/** A failure of an attempt with the operator it belongs to, for the judgement of R38. */
export class AttemptFailure {
  readonly error: Error
  readonly operator: string | undefined
  constructor(error: Error, operator: string | undefined) {
    this.error = error
    this.operator = operator
  }
}

/** Slots did not report after they were started (R37). */
export function deployTimeout(
  missing: readonly number[],
  slots: number,
  timeoutMs: number,
): RestartableError {
  return new RestartableError(
    'MR_DEPLOY_TIMEOUT',
    `Slots ${missing.join(', ')} of ${slots} did not report within ${timeoutMs} ms after they were started; the job cannot run without them; look for code at the top of the job module that blocks, or whether the machine has more to do than it can.`,
    { missing },
  )
}

/** The graph of a slot is not the one that was planned; both are told by the names of their operators. */
export function graphDiffers(
  slot: number,
  planned: readonly string[],
  built: readonly string[],
): StreamError {
  return new StreamError(
    'MR_GRAPH_DIFFERS',
    `Slot ${slot} built another graph than was planned (${difference(planned, built)}); threads that run different graphs would lose or mix records; build the graph from parameters only, not from time, randomness, files or module state.`,
    { slot, planned, built },
  )
}

function difference(planned: readonly string[], built: readonly string[]): string {
  const missing = planned.filter((name) => !built.includes(name))
  const added = built.filter((name) => !planned.includes(name))
  const parts = [
    ...(added.length === 0 ? [] : [`it has ${quotedNames(added)}`]),
    ...(missing.length === 0 ? [] : [`it lacks ${quotedNames(missing)}`]),
  ]
  return parts.length > 0
    ? parts.join(', ')
    : 'with the same operators, but other connections, states, parallelism or parameters'
}

/** The thread of a slot has ended by itself, in the operator named (R36). */
export function slotLost(
  slot: number,
  operator: string | undefined,
  error: unknown,
): RestartableError {
  const where = operator === undefined ? '' : ` while "${operator}" was running`
  const { message } = asError(error)
  const code = (error as { code?: unknown } | undefined)?.code
  const fields = { slot, operator }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY' || /memory/i.test(message)) {
    return new RestartableError(
      'MR_WORKER_OUT_OF_MEMORY',
      `The worker thread of slot ${slot} reached its heap limit${where}; its records since the last checkpoint are read again; raise --memory, or hold less per key.`,
      fields,
      error,
    )
  }
  return new RestartableError(
    'MR_WORKER_EXITED',
    `The worker thread of slot ${slot} ended${where}: ${message}; its records since the last checkpoint are read again; code in a job must not call process.exit.`,
    fields,
    error,
  )
}

/** A thread goes on after it was terminated (R37); `failure` is what had ended the attempt. */
export function threadStuck(timeoutMs: number, failure: Error | undefined): StreamError {
  return new StreamError(
    'MR_WORKER_STUCK',
    `A worker thread has not ended ${timeoutMs / 1000} s after it was terminated; a new attempt beside it could write the same output, so the job ends; end the process, look for native code that does not return, and run the same command again.`,
    {},
    failure,
  )
}

/**
 * A manifest is still being written; the next attempt would not know whether the checkpoint exists. `failure` is what had
 * ended the attempt.
 */
export function unfinishedWrite(timeoutMs: number, failure: Error | undefined): StreamError {
  return new StreamError(
    'MR_CHECKPOINT_FAILED',
    `A write to the checkpoint directory has not ended ${timeoutMs / 1000} s after the attempt did; a new attempt could not tell which checkpoints exist, so the job ends; look at the disk or the network behind it, and run the same command again.`,
    {},
    failure,
  )
}
