import { parseArgs } from 'node:util'
import { repeatedCards } from './card-input.ts'
import { child } from './fraud.ts'
import { spreadOf } from './spread.ts'
import { inFolder } from './temporary-folder.ts'

export const memoryHelp = `memory [--rounds 3] [--parallelism 2] [--times 3,15]
  Peak resident memory of the whole process of the fraud job, on the card file so many times over, in turn. (The file itself is
  read in two seconds, before V8 has given young objects all the room that it will.)
  Exit 1 above 400 MB, or where the longer input takes 15 % more.`

const LIMIT_MB = 400
/** What the peak may differ by between inputs: garbage is collected when V8 likes. */
const TOLERANCE = 1.15

export async function memoryBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '3' },
      parallelism: { type: 'string', default: '2' },
      times: { type: 'string', default: '3,15' },
    },
  })
  const inputs = []
  for (const times of values.times.split(',')) inputs.push(await repeatedCards(Number(times)))
  const peaks: number[][] = inputs.map(() => [])
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const [index, { path, rows }] of inputs.entries()) {
      const peakMb = await peakOf(path, values.parallelism)
      peaks[index]!.push(peakMb)
      console.log(`round ${round}: ${rows.toLocaleString('en').padStart(9)} rows  ${peakMb} MB`)
    }
  }
  const results = inputs.map(({ rows }, index) => ({ rows, ...spreadOf(peaks[index]!) }))
  const medians = results.map((result) => result.median)
  const most = Math.max(...results.map((result) => result.max))
  const isSame = Math.max(...medians) <= TOLERANCE * medians[0]!
  if (most > LIMIT_MB || !isSame) process.exitCode = 1
  console.log(JSON.stringify({ bench: 'memory', parallelism: Number(values.parallelism), results }))
}

async function peakOf(input: string, parallelism: string): Promise<number> {
  const { peakMb } = await inFolder((folder) =>
    child<{ peakMb: number }>('fraud-engine.ts', [input, folder, parallelism]),
  )
  return peakMb
}
