import { parseArgs } from 'node:util'
import { child } from './fraud.ts'
import { percentile } from './spread.ts'
import { inFolder } from './temporary-folder.ts'

export const alignmentHelp = `alignment [--micros 0,20,200,2000,20000] [--checkpoints 40] [--parallelism 2]
  How long checkpoints take while a source waits for room all the time, as the operator behind a shuffle needs so many
  microseconds a record: from trigger to publication, and records a second.`

export async function alignmentBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      micros: { type: 'string', default: '0,20,200,2000,20000' },
      checkpoints: { type: 'string', default: '40' },
      parallelism: { type: 'string', default: '2' },
    },
  })
  const results = []
  for (const micros of values.micros.split(',')) {
    const { durations, perSecond } = await inFolder((folder) =>
      child<{ durations: number[]; perSecond: number }>('alignment-run.ts', [
        folder,
        micros,
        values.checkpoints,
        values.parallelism,
      ]),
    )
    const at = (share: number): number => Math.round(percentile(durations, share))
    results.push({
      micros: Number(micros),
      recordsPerSecond: Math.round(perSecond),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
    })
  }
  console.table(results)
  console.log(
    JSON.stringify({ bench: 'alignment', parallelism: Number(values.parallelism), results }),
  )
}
