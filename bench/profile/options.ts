import { parseArgs } from 'node:util'
import { memoryFor, type Setting } from '../nexmark/contender.ts'
import { check, durationMs, listOf, whole } from '../option-values.ts'
import { type QueryName, ROWS } from '../nexmark/query.ts'
import { checkRounds } from '../nexmark/options.ts'

export const profileHelp = `profile QUERY [--rounds 10] [--events 1000000] [--parallelism 1] [--state memory|leveldb]
        [--checkpoint-interval 1s|0] [--out DIR] [--top 20] [--memory SIZE]
  Runs a query of Nexmark, such as q5, with a CPU profile of each thread, from the first record of a source to the last close of a
  sink, and prints what the time of each went into: user code, source and sink, serialization, shuffle, state and so on, with
  nanoseconds an event, and the functions that took most by themselves. Built-in functions count for what called them.
  A thread that the machine has given to others seems to go on with what it was doing: profile on an idle one.
  --rounds K                 how often the events are replayed, with later times and other ids
  --checkpoint-interval D    0 is none but the final one
  --out DIR                  where the .cpuprofile files go, for DevTools or an editor (default: a folder that is named at the end)
  --top N                    so many functions for each thread`

/** What is profiled, and what is shown of it. */
export interface ProfilePlan {
  readonly setting: Setting
  readonly rounds: number
  readonly out: string | undefined
  readonly top: number
}

/** Reads the command line; a mistake is an error whose message says what is wanted. */
export function parseProfilePlan(args: string[]): ProfilePlan {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '10' },
      events: { type: 'string', default: '1000000' },
      parallelism: { type: 'string', default: '1' },
      state: { type: 'string', default: 'memory' },
      'checkpoint-interval': { type: 'string', default: '1s' },
      memory: { type: 'string' },
      out: { type: 'string' },
      top: { type: 'string', default: '20' },
    },
  })
  const queries = listOf('QUERY', positionals.join() || 'missing', Object.keys(ROWS) as QueryName[])
  check(queries.length === 1, 'QUERY', positionals.join(' '), 'one of them')
  const [state] = listOf('--state', values.state, ['memory', 'leveldb'] as const)
  const events = whole('--events', values.events)
  const rounds = whole('--rounds', values.rounds)
  checkRounds(events, rounds)
  const setting: Setting = {
    query: queries[0]!,
    events,
    group: 1,
    parallelism: whole('--parallelism', values.parallelism),
    state: state!,
    checkpointMs: durationMs(values['checkpoint-interval']),
    memory: values.memory ?? memoryFor(state!),
  }
  return { setting, rounds, out: values.out, top: whole('--top', values.top) }
}
