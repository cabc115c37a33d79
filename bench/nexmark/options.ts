import { parseArgs } from 'node:util'
import { check, durationMs, isPeerWanted, listOf, whole } from '../option-values.ts'
import { type QueryName, ROWS } from './query.ts'
import { EVENTS_PER_ROUND_STEP } from './rounds.ts'

export const nexmarkHelp = `nexmark [--query q5,q7] [--events 1000000] [--rounds K] [--parallelism 1,2] [--state memory,leveldb]
        [--checkpoint-interval 0,1s] [--iterations 3+5] [--peer flink] [--peer-dir DIR] [--rows DIR] [--json FILE]
  The queries of Nexmark on the engine, in a loop written by hand for one thread, and on Apache Flink, in turn, each in a process
  of its own: events a second and CPU time from the first record of a source to the last close of a sink, as ratios with minimum,
  median and maximum. Exit 1 where rows differ from those of the loop.
  --query Q                  which ones (default: all)
  --events N                 events that are made before the clock starts
  --rounds K                 how often they are replayed, with later times and other ids (default: what lasts 10 s)
  --parallelism P            subtasks of the engine and the peer
  --state S                  where state lies: the peer has the heap for memory, and RocksDB for leveldb
  --checkpoint-interval D    0 is none but the final one
  --iterations W+M           runs to warm up, and runs that count
  --peer flink               run the peer as well, where it is there; --peer-dir says where
  --group G                  shuffle groups of so many events; not for the peer
  --memory SIZE              of the job (default: 8gb for state in memory, as much as the peer's heap, else 4gb)
  --rows DIR                 write the rows of one round as DIR/q5.csv, and compare those of the peer too
  --json FILE                write all figures to a file
nexmark --check-generator N [--group 1]
  The SHA-256 of the first N events as JSON lines, to compare with other generators.`

const STATES = ['memory', 'leveldb'] as const

/** What is measured: each query in each combination of the lists. */
export interface Plan {
  readonly checkGenerator: number | undefined
  readonly queries: readonly QueryName[]
  readonly events: number
  /** Undefined: what lasts 10 s. */
  readonly rounds: number | undefined
  readonly group: number
  readonly parallelisms: readonly number[]
  readonly states: readonly (typeof STATES)[number][]
  readonly checkpointMs: readonly number[]
  readonly warmup: number
  readonly iterations: number
  /** Undefined: what the state asks for. */
  readonly memory: string | undefined
  readonly hasPeer: boolean
  readonly peerFolder: string | undefined
  readonly rows: string | undefined
  readonly json: string | undefined
}

/** Reads the command line; a mistake is an error whose message says what is wanted. */
export function parsePlan(args: string[]): Plan {
  const { values } = parseArgs({
    args,
    options: {
      'check-generator': { type: 'string' },
      query: { type: 'string', default: Object.keys(ROWS).join() },
      events: { type: 'string', default: '1000000' },
      rounds: { type: 'string' },
      group: { type: 'string', default: '1' },
      parallelism: { type: 'string', default: '1,2' },
      state: { type: 'string', default: 'memory,leveldb' },
      'checkpoint-interval': { type: 'string', default: '0,1s' },
      iterations: { type: 'string', default: '3+5' },
      memory: { type: 'string' },
      peer: { type: 'string' },
      'peer-dir': { type: 'string' },
      rows: { type: 'string' },
      json: { type: 'string' },
    },
  })
  const { rounds, peer } = values
  const checkGenerator = values['check-generator']
  const [warmup, iterations] = iterationsOf(values.iterations)
  const plan: Plan = {
    checkGenerator:
      checkGenerator === undefined ? undefined : whole('--check-generator', checkGenerator),
    queries: listOf('--query', values.query, Object.keys(ROWS) as QueryName[]),
    events: whole('--events', values.events),
    rounds: rounds === undefined ? undefined : whole('--rounds', rounds),
    group: whole('--group', values.group),
    parallelisms: values.parallelism.split(',').map((text) => whole('--parallelism', text)),
    states: listOf('--state', values.state, STATES),
    checkpointMs: values['checkpoint-interval'].split(',').map(durationMs),
    warmup,
    iterations,
    memory: values.memory,
    hasPeer: isPeerWanted(peer),
    peerFolder: values['peer-dir'],
    rows: values.rows,
    json: values.json,
  }
  check(plan.group % 953 !== 0, '--group', plan.group, 'what is no multiple of 953')
  check(!plan.hasPeer || plan.group === 1, '--group', plan.group, '1, as the peer has no other')
  checkRounds(plan.events, plan.rounds)
  return plan
}

/** Refuses a number of events that cannot be replayed, where they are to be: `undefined` is more than one round. */
export function checkRounds(events: number, rounds: number | undefined): void {
  check(
    rounds === 1 || events % EVENTS_PER_ROUND_STEP === 0,
    '--events',
    events,
    `a multiple of ${EVENTS_PER_ROUND_STEP}, so that rounds span whole windows, or --rounds 1`,
  )
}

function iterationsOf(text: string): [number, number] {
  const match = /^(\d+)\+(\d+)$/.exec(text)
  check(
    match !== null && match[2] !== '0',
    '--iterations',
    text,
    'such as 3+5: three to warm up, five that count',
  )
  return [Number(match![1]), Number(match![2])]
}
