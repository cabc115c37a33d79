import { writeFileSync } from 'node:fs'
import { generatorHash } from './check-generator.ts'
import { memoryFor, nameOf, type Setting, settingName } from './contender.ts'
import { measure, type Measured } from './measure.ts'
import { parsePlan, type Plan } from './options.ts'
import { isPeerThere, peerFolder } from './peer.ts'
import { geometricMean, summarize, type Summary, tableLine } from './summary.ts'

export { nexmarkHelp } from './options.ts'

export async function nexmarkBench(args: string[]): Promise<void> {
  const plan = parsePlan(args)
  if (plan.checkGenerator !== undefined) {
    console.log(generatorHash(plan.checkGenerator, plan.group))
    return
  }
  const folder = plan.peerFolder ?? peerFolder()
  if (plan.hasPeer && !isPeerThere(folder)) {
    console.log(`There is no peer in ${folder}; --peer-dir says where it is. Going on without.`)
  }
  const summaries: Summary[] = []
  for (const setting of settingsOf(plan)) {
    console.log(nameOf(setting))
    try {
      summaries.push(summaryOf(await measure(plan, setting, console.log)))
    } catch (error) {
      // The others are measured all the same: what ran out of memory has ended its own process.
      console.log(`  FAILED: ${(error as Error).message}`)
      process.exitCode = 1
    }
    if (plan.json !== undefined) writeFileSync(plan.json, `${JSON.stringify(summaries, null, 1)}\n`)
  }
  console.table(summaries.map(tableLine))
  for (const line of meansOf(summaries)) console.log(line)
}

function summaryOf(measured: Measured): Summary {
  const summary = summarize(measured)
  console.log(JSON.stringify(summary))
  for (const difference of summary.differences) console.log(`  ROWS DIFFER, ${difference}`)
  if (!summary.isRight) process.exitCode = 1
  return summary
}

function settingsOf(plan: Plan): Setting[] {
  const { events, group } = plan
  return plan.parallelisms.flatMap((parallelism) =>
    plan.states.flatMap((state) =>
      plan.checkpointMs.flatMap((checkpointMs) =>
        plan.queries.map((query): Setting => {
          const memory = plan.memory ?? memoryFor(state)
          return { query, events, group, memory, parallelism, state, checkpointMs }
        }),
      ),
    ),
  )
}

/** For each setting the geometric means over its queries; a void one does not count. */
function meansOf(summaries: readonly Summary[]): string[] {
  const groups = Map.groupBy(
    summaries.filter(({ isRight }) => isRight),
    settingName,
  )
  return [...groups].map(([name, group]) => {
    const mean = (figure: (summary: Summary) => number | undefined): string => {
      const values = group.map(figure).filter((value) => value !== undefined)
      return values.length === 0 ? '–' : geometricMean(values).toFixed(2)
    }
    const toLoop = `engine / loop ${mean(({ toLoop }) => toLoop.wall.median)}`
    const toPeer = `peer / engine ${mean(({ toPeer }) => toPeer?.wall.median)}`
    const cpu = `CPU ${mean(({ toPeer }) => toPeer?.cpu.median)}`
    return `geometric means of ${group.length}, ${name}: ${toLoop}, ${toPeer}, ${cpu}`
  })
}
