import { readdir, readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { SavepointSummary } from '../checkpoint/checkpoint-summary.ts'
import { fromErrorData, StreamError } from '../errors.ts'
import {
  CONTROL_FILE,
  CONTROL_TYPE,
  type ControlAddress,
  type ControlCommand,
  type ControlLine,
  decodeAddress,
} from './control-protocol.ts'
import { localFolderOf } from './local-folder.ts'
import { http } from './node-http.ts'
import type { SavepointProgress } from './savepoints.ts'

/** A job that may be running in another process. */
export interface CommandedJob {
  /** Where its state is, as in `--dir`. */
  readonly dir: string
  /** As in `--work`; default: its default. */
  readonly work?: string | undefined
  readonly job: string
}

/**
 * Tells a job that runs in another process what to do, and resolves when it has been done. Nobody is there:
 * `MR_JOB_NOT_RUNNING`; the run went away before it answered: `MR_COMMAND_LOST`; else what the run answers.
 */
export async function commandJob(
  { dir, work, job }: CommandedJob,
  command: ControlCommand,
  onProgress: (progress: SavepointProgress) => void = () => {},
): Promise<SavepointSummary> {
  const local = localFolderOf(dir, work)
  const directory = join(local, job)
  const address = await readAddress(directory)
  const response = address === undefined ? undefined : await post(address, command)
  if (address === undefined || response === undefined) throw await notRunning(local, job)
  for await (const line of linesOf(response)) {
    if (line.type === 'progress') onProgress(line.progress)
    else if (line.type === 'done') return line.savepoint
    else throw fromErrorData(line.error)
  }
  throw lost(directory, command, address.pid)
}

async function readAddress(directory: string): Promise<ControlAddress | undefined> {
  try {
    return decodeAddress(await readFile(join(directory, CONTROL_FILE), 'utf8'))
  } catch (error) {
    const { code } = error as { readonly code?: string }
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new StreamError(
      'MR_DIRECTORY_UNUSABLE',
      `The state directory ${directory} cannot be read (${(error as Error).message}); whether the job is running cannot be told; be the user that it runs as, or give another one with --dir.`,
      { path: directory },
      error,
    )
  }
}

/** Undefined where nobody, or somebody else, listens there: the run that wrote the file was killed. */
function post(
  { port, token }: ControlAddress,
  { verb, ...body }: ControlCommand,
): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const sent = http.request({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: `/${verb}`,
      agent: false,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    })
    sent.on('error', () => resolve(undefined))
    sent.on('response', (response) => {
      const isOurs =
        response.statusCode === 200 && response.headers['content-type'] === CONTROL_TYPE
      if (isOurs) resolve(response)
      else {
        response.destroy()
        resolve(undefined)
      }
    })
    sent.end(JSON.stringify(body))
  })
}

/** The whole lines of an answer; a connection that breaks ends them as an end does: what is missing is the answer. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<ControlLine> {
  let rest = ''
  try {
    for await (const text of response.setEncoding('utf8')) {
      const lines = (rest + (text as string)).split('\n')
      rest = lines.pop()!
      for (const line of lines) yield JSON.parse(line) as ControlLine
    }
  } catch (error) {
    const { code } = error as { readonly code?: string }
    if (code !== 'ECONNRESET') throw error
  }
}

async function notRunning(dir: string, job: string): Promise<StreamError> {
  const there = await foldersIn(dir)
  const others = there.includes(job) ? [] : there
  const known = others.length === 0 ? '' : ` (there is state of ${others.join(', ')})`
  return new StreamError(
    'MR_JOB_NOT_RUNNING',
    `Job "${job}" is not running with its state in ${dir}${known}; there is nobody to do it; start the job, or give the --dir (and --work) that it was started with, on the machine where it runs.`,
    { job, dir },
  )
}

async function foldersIn(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch {
    // Only for the message.
    return []
  }
}

function lost(directory: string, { verb }: ControlCommand, pid: number): StreamError {
  const what =
    verb === 'stop'
      ? 'whether its last checkpoint was complete is not known; run the job to see'
      : 'a savepoint that has no manifest is none'
  return new StreamError(
    'MR_COMMAND_LOST',
    `The run of the job in ${directory} (process ${pid}) went away before it had answered; ${what}; look why it ended, and repeat the command once it runs.`,
    { directory, pid },
  )
}
