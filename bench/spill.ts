import { parseArgs } from 'node:util'
import type { JobPlan } from '../runtime/graph/job-plan.ts'
import { splitMemory } from '../runtime/job/memory.ts'
import { child } from './fraud.ts'
import { spreadOf } from './spread.ts'
import { inFolder } from './temporary-folder.ts'

export const spillHelp = `spill [--cache 16] [--times 10] [--updates 1000000] [--rounds 3]
  Updates of values of 100 bytes, of state so many times as large as the cache (in MB): any key equally often, beside a bare
  LevelDB with the same reads and batches of writes; and by Zipf's law. Exit 1 below 0.7 x LevelDB (median), or where Zipf's is
  not 3 x as fast. The heap is as large as that of a worker thread with such a cache.`

const ENTRY_BYTES = 115
const MIB = 1_024 * 1_024
const LEAST_OF_LEVELDB = 0.7
const LEAST_OF_ZIPF = 3

interface Figures {
  readonly perSecond: number
  readonly cpuSeconds: number
  readonly rssMb: number
}

export async function spillBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      cache: { type: 'string', default: '16' },
      times: { type: 'string', default: '10' },
      updates: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '3' },
    },
  })
  const keys = Math.floor((Number(values.cache) * MIB * Number(values.times)) / ENTRY_BYTES)
  const run = (what: string, access: string): Promise<Figures> =>
    inFolder((folder) =>
      child<Figures>(
        'spill-run.ts',
        [folder, what, access, String(keys), values.updates, values.cache],
        heapLimits(Number(values.cache)),
      ),
    )
  const ofLevelDb: number[] = []
  const ofUniform: number[] = []
  for (let round = 1; round <= Number(values.rounds); round++) {
    const bare = await run('leveldb', 'uniform')
    const uniform = await run('backend', 'uniform')
    const zipf = await run('backend', 'zipf')
    console.log(`round ${round} of ${values.rounds}, ${keys.toLocaleString('en')} keys`)
    console.table({ 'bare LevelDB': bare, uniform, 'Zipf 1.0': zipf })
    ofLevelDb.push(uniform.perSecond / bare.perSecond)
    ofUniform.push(zipf.perSecond / uniform.perSecond)
  }
  const outcome = {
    bench: 'spill',
    cacheMb: Number(values.cache),
    keys,
    uniformOfLevelDb: spreadOf(ofLevelDb, 2),
    zipfOfUniform: spreadOf(ofUniform, 2),
  }
  if (outcome.uniformOfLevelDb.median < LEAST_OF_LEVELDB) process.exitCode = 1
  if (outcome.zipfOfUniform.median < LEAST_OF_ZIPF) process.exitCode = 1
  console.log(JSON.stringify(outcome))
}

const ONE_THREAD: JobPlan = {
  job: 'spill',
  structuralHash: '',
  parallelism: 1,
  maxParallelism: 128,
  vertices: [],
  edges: [],
  parameters: [],
  params: {},
  restart: undefined,
}

/** Arguments of Node that limit the heap as that of a worker thread with so large a cache. */
function heapLimits(cacheMb: number): string[] {
  let memoryMb = 64
  const split = () => splitMemory(memoryMb * MIB, ONE_THREAD)
  while (split().cacheBytesPerSlot < cacheMb * MIB) memoryMb++
  const { heapMb, youngHeapMb } = split()
  // Young objects have three semi-spaces.
  return [`--max-old-space-size=${heapMb}`, `--max-semi-space-size=${Math.floor(youngHeapMb / 3)}`]
}
