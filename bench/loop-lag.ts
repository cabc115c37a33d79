import { parseArgs } from 'node:util'
import { repeatedCards } from './card-input.ts'
import { child } from './fraud.ts'
import { inFolder } from './temporary-folder.ts'

export const loopLagHelp = `loop-lag [--rounds 3] [--parallelism 1,2] [--times 3]
  By how much a 10 ms interval in a worker thread is late while the fraud job runs at full speed: the event loop gets its turn
  every 8 ms, with input waiting too. Milliseconds: median, 99th percentile, maximum; the worst thread of each round.`

export interface LoopLag {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export async function loopLagBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '3' },
      parallelism: { type: 'string', default: '1,2' },
      times: { type: 'string', default: '3' },
    },
  })
  const { path } = await repeatedCards(Number(values.times))
  for (const parallelism of values.parallelism.split(',')) {
    const lags: LoopLag[] = []
    for (let round = 1; round <= Number(values.rounds); round++) {
      const lag = await inFolder((folder) =>
        child<LoopLag>('loop-lag-run.ts', [path, folder, parallelism]),
      )
      lags.push(lag)
      const { p50, p99, max } = lag
      console.log(`p=${parallelism}, round ${round}: p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`)
    }
    console.log(JSON.stringify({ bench: 'loop-lag', parallelism: Number(parallelism), lags }))
  }
}
