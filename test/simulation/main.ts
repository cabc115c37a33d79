import { FileDisk } from './file-disk.ts'
import { randomSimulation, simulate, simulateIdle, simulateLate } from './simulate.ts'

/** `npm run simulate -- SEED [COUNT]`: runs random jobs with random crashes from that seed on, and ends at the first fault. */
const [first = '1', count = '1'] = process.argv.slice(2)
let crashes = 0
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const simulation = randomSimulation(seed)
  try {
    crashes += (await simulate(simulation)).crashes.length
    const disk = new FileDisk(seed, { powerCuts: true })
    crashes += (await simulate(simulation, disk)).crashes.length
    crashes += (await simulateLate(simulation)).crashes.length
    crashes += (await simulateIdle(simulation)).crashes.length
  } catch (error) {
    console.error(JSON.stringify({ ...simulation, graph: summary(simulation.graph) }))
    console.error(error)
    process.exit(1)
  }
}
console.log(`${count} simulations from seed ${first} are exact, with ${crashes} interruptions.`)

function summary({ steps, sinks }: ReturnType<typeof randomSimulation>['graph']): unknown {
  return {
    steps: steps.map(({ uid, kind, from, parallelism }) => {
      const { options, ...rest } = kind as { options?: { splits: readonly unknown[] } }
      const shown = options === undefined ? rest : { ...options, splits: options.splits.length }
      return { uid, from, parallelism, ...shown }
    }),
    sinks,
  }
}
