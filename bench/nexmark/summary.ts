import { showSpread, type Spread, spreadOf } from '../spread.ts'
import type { Iteration } from './contender.ts'
import type { Measured } from './measure.ts'

/** What the runs of one query in one setting come to: a line of the table, and of the JSON. */
export interface Summary {
  readonly bench: 'nexmark'
  readonly query: string
  readonly events: number
  readonly rounds: number
  readonly parallelism: number
  readonly state: 'memory' | 'leveldb'
  readonly checkpointMs: number
  readonly checkpoints: number
  readonly rows: number
  readonly isRight: boolean
  readonly differences: readonly string[]
  readonly engine: Figures
  readonly loop: Figures
  readonly peer: Figures | undefined
  /** Times of the engine / times of the loop: its overhead. */
  readonly toLoop: Ratios
  /** Times of the peer / times of the engine: how much faster the engine is. */
  readonly toPeer: Ratios | undefined
}

interface Figures {
  readonly eventsPerSecond: Spread
  readonly cpuSecondsPerMillion: Spread
  readonly seconds: Spread
}

/** By the time in all, by that without the final checkpoint, and by CPU time. */
export interface Ratios {
  readonly wall: Spread
  readonly drained: Spread
  readonly cpu: Spread
}

export function summarize(measured: Measured): Summary {
  const { setting, rounds, engine, loop, peer, differences } = measured
  const { query, events, parallelism, state, checkpointMs } = setting
  const all = events * rounds
  return {
    bench: 'nexmark',
    query,
    events,
    rounds,
    parallelism,
    state,
    checkpointMs,
    checkpoints: engine.at(-1)!.checkpoints,
    rows: engine.at(-1)!.rows,
    isRight: differences.length === 0,
    differences,
    engine: figuresOf(engine, all),
    loop: figuresOf(loop, all),
    peer: peer.length === 0 ? undefined : figuresOf(peer, all),
    toLoop: ratiosOf(engine, loop),
    toPeer: peer.length === 0 ? undefined : ratiosOf(peer, engine),
  }
}

/** The line of a summary in the table. */
export function tableLine(summary: Summary): Record<string, string | number> {
  const { query, parallelism, state, checkpointMs, rounds, toLoop, toPeer } = summary
  const { engine, loop, peer } = summary
  return {
    query,
    p: parallelism,
    state,
    checkpoints: checkpointMs === 0 ? 'none' : `${checkpointMs} ms`,
    rounds,
    'M/s': millions(engine),
    'loop M/s': millions(loop),
    ...(peer === undefined ? {} : { 'peer M/s': millions(peer) }),
    'engine / loop': showSpread(toLoop.wall),
    'CPU / loop': showSpread(toLoop.cpu),
    ...(toPeer === undefined
      ? {}
      : {
          'peer / engine': showSpread(toPeer.wall),
          'without last checkpoint': showSpread(toPeer.drained),
          'peer CPU / CPU': showSpread(toPeer.cpu),
        }),
    rows: summary.isRight ? 'equal' : 'DIFFER: void',
  }
}

/** The geometric mean of medians. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)
}

function figuresOf(iterations: readonly Iteration[], events: number): Figures {
  return {
    eventsPerSecond: spreadOf(
      iterations.map(({ seconds }) => events / seconds),
      0,
    ),
    cpuSecondsPerMillion: spreadOf(iterations.map(({ cpuSeconds }) => (cpuSeconds * 1e6) / events)),
    seconds: spreadOf(iterations.map(({ seconds }) => seconds)),
  }
}

function ratiosOf(of: readonly Iteration[], to: readonly Iteration[]): Ratios {
  const ratio = (figure: (iteration: Iteration) => number): Spread =>
    spreadOf(of.map((iteration, index) => figure(iteration) / figure(to[index]!)))
  return {
    wall: ratio(({ seconds }) => seconds),
    drained: ratio(({ secondsToDrained }) => secondsToDrained),
    cpu: ratio(({ cpuSeconds }) => cpuSeconds),
  }
}

function millions({ eventsPerSecond }: Figures): number {
  return Number((eventsPerSecond.median / 1e6).toFixed(2))
}
