import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '../../runtime/clock.ts'
import { Deliveries } from '../../runtime/job/deliveries.ts'
import { type BuiltJob, DEFAULT_MAX_PARALLELISM } from '../../runtime/job/job-module.ts'
import { planOperators } from '../../runtime/job/restore-plan.ts'
import { CrashPlan } from '../../testing/crash-plan.ts'
import { SimulatedDisk } from '../../testing/simulated-storage.ts'
import { type InlineClusterOptions, InlineProcess } from './inline-process.ts'
import type { SpillCounts } from './watched-state.ts'

export interface InlineResult {
  /** What each collection sink has committed, by uid. */
  readonly collected: Readonly<Record<string, readonly unknown[]>>
  readonly crashes: number
  readonly spilled: SpillCounts
}

/**
 * Runs a job to its end with state in LevelDB and all slots in this thread, in real time: the run, its attempts and the
 * coordinator are those of production; ports, and the storage that survives crashes, are in memory.
 *
 * A crash ends everything of the process at once; a new run goes on from the storage. Where in the stream it falls is
 * about the same for the same seed, not exactly.
 */
export async function runInline(options: InlineClusterOptions): Promise<InlineResult> {
  const { job, parallelisms, seed, crashAt } = options
  const buildAt = (parallelism: number): BuiltJob =>
    job.build({}, { parallelism, maxParallelism: DEFAULT_MAX_PARALLELISM })
  const { plan } = buildAt(parallelisms[0]!)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-oracle-'))
  const crashes = new CrashPlan(crashAt)
  const deliveries = new Deliveries()
  const spilled: SpillCounts = { written: 0, readBack: 0 }
  const world = {
    options,
    folder,
    random: new SeededRandom(seed),
    crashes,
    disk: new SimulatedDisk(),
    deliveries,
    spilled,
    turns: 0,
    attempts: 0,
  }
  try {
    for (let run = 0; ; run++) {
      const parallelism = parallelisms[Math.min(run, parallelisms.length - 1)]!
      const process = new InlineProcess(world, () => buildAt(parallelism))
      if ((await process.run()) === 'finished') break
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const sinks = planOperators(plan).filter(({ type }) => type === 'sink')
  const none = Object.fromEntries(sinks.map(({ name }) => [name, []]))
  return {
    collected: { ...none, ...deliveries.values },
    crashes: crashes.crashes.length,
    spilled,
  }
}
