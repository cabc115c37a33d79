import { type Mutant, unit } from './mutant.ts'

const once = unit('runtime/job/job-figures.test.ts', 'counts a delivery that is made again once')

/** What the test kit itself must notice. */
export const KIT: readonly Mutant[] = [
  {
    name: 'simulated-crash-spares-memory',
    what: 'a crash in the test kit leaves threads alive (R40)',
    file: 'testing/simulated-world.ts',
    find: 'for (const thread of this.#threads) thread.end()',
    replace: '',
    killers: [unit('testing/simulated-world.test.ts', 'loses everything in a crash')],
  },
  {
    name: 'nothing-lost-before-restore',
    what: 'verifyOperator restores without work that is lost, and misses what is kept outside of state (R40)',
    file: 'testing/verify-operator.ts',
    find: 'if (index + 1 < steps.length) give(harness, steps[index + 1]!)',
    replace: 'if (index + 1 < steps.length) steps.at(0)',
    killers: [unit('testing/verify-operator.test.ts', 'finds what is kept outside of state')],
  },
  {
    name: 'delivered-twice',
    what: 'what a collection sink commits again after a crash counts again (R33)',
    file: 'runtime/job/deliveries.ts',
    find: 'if (sink.ids.has(deliveryId)) return',
    replace: '',
    killers: [once, unit('testing/seeds.test.ts', 'nothing is lost or doubled')],
  },
  {
    name: 'side-output-of-operators-only',
    what: 'what a source puts aside is not collected by testJob',
    file: 'testing/job-ends.ts',
    find: "nodes.filter(({ type }) => type !== 'sink')",
    replace: "nodes.filter(({ type }) => type === 'operator')",
    killers: [unit('testing/test-job-ends.test.ts', 'collects what sources put aside')],
  },
  {
    name: 'crash-forgets-its-turn',
    what: 'crashes that are drawn from a seed are not those of the seed, so that a failure does not replay (R40)',
    file: 'testing/seeds.ts',
    find: 'const random = new SeededRandom(seed)',
    replace: 'const random = new SeededRandom(Number(process.hrtime.bigint() % 1_000_003n) + seed)',
    killers: [unit('testing/seeds.test.ts', 'gives the same for the same seed')],
  },
]
