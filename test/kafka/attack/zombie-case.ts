import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../runtime/clock.ts'
import type { TestKafka } from '../../servers/kafka-for-tests.ts'
import { numberProblems, runNumbers } from './numbers-run.ts'

/** When a process is stopped, and for how long. */
export interface ZombiePlan {
  readonly count: number
  /** Stopped so long after this checkpoint. */
  readonly checkpoint: number
  readonly delayMs: number
  /** Parallelism of the heir. */
  readonly parallelism: number
  /** The old process goes on only after so long, besides the run of the heir. */
  readonly awayMs: number
  readonly timeouts: Readonly<Record<string, string>>
  /** Rows a second of the heir; 0: as fast as it can. */
  readonly heirRate: number
  /** The old process goes on while the heir runs, not behind it. */
  readonly isOverlapping: boolean
}

/** The old process finds its connections and its transaction gone, and the new one at work. */
export const LONG_STOP: Partial<ZombiePlan> = {
  // On a busy machine either would else be through before its first checkpoint.
  count: 1_000,
  timeouts: { transactionTimeout: '1s', requestTimeout: '1s' },
  heirRate: 200,
  isOverlapping: true,
  awayMs: 1_200,
}

export interface ZombieOutcome {
  readonly zombie: string
  readonly heir: string
  readonly problems: readonly string[]
}

export function drawZombie(random: Random): ZombiePlan {
  const int = (from: number, to: number) => from + Math.floor(random.next() * (to - from + 1))
  return {
    count: 400,
    checkpoint: int(1, 6),
    delayMs: int(0, 60),
    parallelism: int(1, 3),
    awayMs: 0,
    timeouts: {},
    heirRate: 0,
    isOverlapping: false,
  }
}

/**
 * A process is stopped, another one goes on from a copy of its state, and then the first goes on, too. Nothing that the first
 * writes then may appear, and it has to end with an error.
 */
export async function zombieCase(kafka: TestKafka, plan: ZombiePlan): Promise<ZombieOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-zombie-'))
  const topic = await kafka.createTopic(2)
  const { count, timeouts } = plan
  const params = { brokers: kafka.brokers, topic, count, ...timeouts }
  const dir = join(folder, 'state')
  const zombie = runNumbers({ dir, params: { ...params, rate: 500 } })
  try {
    await untilCheckpoint(zombie, plan.checkpoint)
    await sleep(plan.delayMs)
    zombie.child.kill('SIGSTOP')
    const copy = join(folder, 'copy')
    await cp(dir, copy, { recursive: true })
    const { parallelism, heirRate: rate } = plan
    const heir = runNumbers({ dir: copy, parallelism, params: { ...params, rate } })
    if (plan.isOverlapping) await untilCheckpoint(heir, 1)
    else await heir.ended
    await sleep(plan.awayMs)
    zombie.child.kill('SIGCONT')
    await heir.ended
    const hangs = await Promise.race([zombie.ended.then(() => false), sleep(90_000, true)])
    const problems = await numberProblems(kafka, topic, count)
    if (hangs) problems.push('the old process goes on')
    return { zombie: outcomeOf(zombie), heir: outcomeOf(heir), problems }
  } finally {
    await zombie.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

type Run = ReturnType<typeof runNumbers>

function outcomeOf({ told }: Run): string {
  const end = told.at(-1)
  return end?.type === 'ended' ? (end.code ?? end.status ?? '?') : `died after ${end?.type}`
}

async function untilCheckpoint(run: Run, nth: number): Promise<void> {
  await run.until('checkpoint')
  while (run.told.filter(({ type }) => type === 'checkpoint').length < nth) {
    if (run.told.at(-1)?.type === 'ended') return
    await sleep(2)
  }
}
