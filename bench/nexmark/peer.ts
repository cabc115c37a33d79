import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Contender, Iteration, Setting } from './contender.ts'

/** How long a record may wait in a batch of the engine; the peer gets as long. */
const BUFFER_TIMEOUT_MS = 10
/** It is stopped while the others have their turn: nobody must take it for dead. */
const PATIENCE = ['--flink', 'heartbeat.timeout=3600000', '--flink', 'pekko.ask.timeout=3600 s']

/** Where the program on Apache Flink lies, unless told otherwise. */
export function peerFolder(): string {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  return join(process.env['MILLRACE_SHARED'] ?? join(root, '../shared'), 'peers/flink')
}

export function isPeerThere(folder: string): boolean {
  return existsSync(join(folder, 'run'))
}

/** What a peer is to do besides the setting. */
export interface PeerWanted {
  readonly rounds: number
  readonly warmup: number
  readonly iterations: number
  /** Write the rows to this file. */
  readonly csv?: string
}

/**
 * The same queries on Apache Flink: one process that runs them again and again. It is started with its first turn, stopped behind each
 * run, before the clock of the next one starts, and goes on when it has its turn again: it never runs beside the others.
 */
export function peerContender(folder: string, setting: Setting, wanted: PeerWanted): Contender {
  const total = wanted.warmup + wanted.iterations
  let peer: Peer | undefined
  let runs = 0
  return {
    async run() {
      runs++
      if (peer === undefined) peer = startPeer(folder, peerArgs(setting, wanted))
      else peer.child.kill('SIGCONT')
      for (;;) {
        const line = await peer.lines.next()
        if (line.done === true) throw new Error(`the peer has ended in a run of ${setting.query}`)
        if (!line.value.startsWith('{')) continue
        if (runs < total) peer.child.kill('SIGSTOP')
        // Its hash is one of its own.
        const { hash: _, ...iteration } = JSON.parse(line.value) as Iteration
        return iteration
      }
    },
    async close() {
      if (peer === undefined) return
      peer.child.kill('SIGCONT')
      if (runs < total) peer.child.kill()
      await peer.ended
    },
  }
}

interface Peer {
  readonly child: ChildProcess
  readonly lines: AsyncIterator<string>
  readonly ended: Promise<void>
}

function startPeer(folder: string, args: readonly string[]): Peer {
  const child = spawn(join(folder, 'run'), args, { stdio: ['ignore', 'pipe', 'inherit'] })
  endWithUs(child)
  return {
    child,
    lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](),
    ended: new Promise((resolve) => child.once('close', () => resolve())),
  }
}

/** A process that is stopped takes no Ctrl-C: it would stay behind, with all its memory. */
function endWithUs(child: ChildProcess): void {
  const end = (): void => void child.kill('SIGKILL')
  const endBySignal = (signal: NodeJS.Signals): void => {
    end()
    process.kill(process.pid, signal)
  }
  process.once('exit', end)
  process.once('SIGINT', endBySignal)
  process.once('SIGTERM', endBySignal)
  child.once('close', () => {
    process.off('exit', end)
    process.off('SIGINT', endBySignal)
    process.off('SIGTERM', endBySignal)
  })
}

function peerArgs(setting: Setting, wanted: PeerWanted): string[] {
  const { query, events, parallelism, state, checkpointMs } = setting
  const { rounds, warmup, iterations, csv } = wanted
  const options = {
    query,
    events,
    rounds,
    parallelism,
    state: state === 'memory' ? 'heap' : 'rocksdb',
    'checkpoint-ms': checkpointMs,
    'buffer-timeout': BUFFER_TIMEOUT_MS,
    warmup,
    iterations: warmup + iterations,
  }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  return [...args, ...PATIENCE, ...(csv === undefined ? [] : ['--sink', 'csv', csv])]
}
