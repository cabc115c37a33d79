import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { asProcess } from './command-line.ts'

/** A line that the child writes with `--json`. */
export interface ChildLine {
  readonly type: string
  readonly mode?: string
  readonly checkpointId?: number
  readonly restored?: { readonly checkpointId: number }
  readonly status?: string
}

export interface ChildRun {
  /** What `millrace` gets. */
  readonly commandLine: readonly string[]
  /** Beside that of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Kills it with SIGKILL. Default: never. */
  readonly signal?: AbortSignal
  /** Kills it with SIGKILL when so many checkpoints are complete. Default: never. */
  readonly killAfter?: number
}

/** How a child has ended. */
export interface ChildEnd {
  readonly isKilled: boolean
  /** It went on from a checkpoint. */
  readonly isResumed: boolean
}

/** Runs a job in a process of its own and prints what it does. Rejects when it fails, with what it said. */
export async function runChild({
  commandLine,
  env,
  signal,
  killAfter,
}: ChildRun): Promise<ChildEnd> {
  signal?.throwIfAborted()
  const [file, args] = asProcess([...commandLine, '--json'])
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
  const child = spawn(file, args, {
    stdio,
    env: { ...process.env, ...env },
    killSignal: 'SIGKILL',
    ...(signal && { signal }),
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => (errors += error.message))
    child.on('close', (code, killedBy) => resolve(killedBy ?? `exit code ${code}`))
  })
  let isResumed = false
  let checkpoints = 0
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as ChildLine
    if (line.type === 'started' && line.mode === 'resumed' && line.restored !== undefined) {
      isResumed = true
      console.log(`   resumed from checkpoint ${line.restored.checkpointId}`)
    }
    if (line.type === 'checkpoint') {
      console.log(`   checkpoint ${line.checkpointId} is complete`)
      if (++checkpoints === killAfter) child.kill('SIGKILL')
    }
    if (line.type === 'finished') console.log(`   ${line.status}`)
  }
  const end = await ended
  signal?.throwIfAborted()
  const isKilled = end === 'SIGKILL'
  if (isKilled) console.log(`   killed with ${end}`)
  else if (end !== 'exit code 0') throw new Error(`${end}\n${errors}`)
  return { isKilled, isResumed }
}
