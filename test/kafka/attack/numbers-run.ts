import type { RunJobOptions } from '../../../runtime/job/job-events.ts'
import { RunningProcess } from '../../cluster/process.ts'
import type { TestKafka } from '../../servers/kafka-for-tests.ts'
import type { NumberedRow } from './numbers-job.ts'

const JOB = new URL('./numbers-job.ts', import.meta.url)

/** How a run of the job of numbers is started. */
export type NumbersRun = Omit<RunJobOptions, 'params'> & {
  readonly params: Readonly<Record<string, string | number>>
}

/** Starts it in a process of its own. */
export function runNumbers(
  options: NumbersRun,
  env: Readonly<Record<string, string>> = {},
): RunningProcess {
  return new RunningProcess(JOB, { parallelism: 2, checkpointInterval: '50ms', ...options }, env)
}

/** What is wrong with a topic that is to hold each number below `count` once; an empty list when nothing is. Read by the Java client. */
export async function numberProblems(
  kafka: TestKafka,
  topic: string,
  count: number,
): Promise<string[]> {
  const problems: string[] = []
  const seen = new Map<number, number>()
  const lastOf = new Map<string, number>()
  for (const { key, value } of await kafka.read(topic)) {
    const { n } = JSON.parse(value!.toString()) as NumberedRow
    const name = key!.toString()
    seen.set(n, (seen.get(n) ?? 0) + 1)
    if (n < (lastOf.get(name) ?? -1)) problems.push(`${n} of ${name} behind ${lastOf.get(name)}`)
    lastOf.set(name, n)
  }
  for (let n = 0; n < count; n++) {
    const times = seen.get(n) ?? 0
    if (times !== 1) problems.push(`${n} is there ${times} times`)
  }
  if (seen.size > count) problems.push(`${seen.size} numbers`)
  return problems.slice(0, 20)
}
