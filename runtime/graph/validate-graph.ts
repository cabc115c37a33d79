import { StreamError } from '../errors.ts'
import { foldName, NAME_RULE, nameProblem } from '../names.ts'
import { nodeLabel as label } from './node-label.ts'
import { renamedUidsProblem } from './renamed-uids.ts'
import { type GraphProblem, stateProblems } from './state-problems.ts'
import type { NodeReading, StreamGraph, StreamNode } from './stream-graph.ts'

/** Key groups are stored in 16 bits; as in Flink half of that is the limit. */
export const MAX_PARALLELISM_LIMIT = 32_768

/** What a graph is to be run as. */
export interface ValidationOptions {
  readonly job: string
  readonly parallelism: number
  readonly maxParallelism: number
  /** As given: whoever writes JavaScript may give anything. */
  readonly renamedUids?: unknown
}

/**
 * Checks all that can be known of a job before it runs; fails with one error that lists every problem.
 *
 * The error has the code of the first problem, and all of them in its field `problems`. A stream that nobody reads is
 * allowed; a graph without a source or without a sink is not.
 */
export function validateGraph(graph: StreamGraph, options: ValidationOptions): void {
  const problems = graphProblems(graph, options)
  const [first] = problems
  if (first === undefined) return
  const messages = problems.map((problem) => problem.message)
  const text =
    messages.length === 1
      ? messages[0]!
      : `${messages.length} problems: ${messages.map((one, i) => `(${i + 1}) ${one}`).join(' ')}`
  throw new StreamError(first.code, `Job "${options.job}": ${text}`, {
    job: options.job,
    problems,
  })
}

/** Everything that is wrong with a graph, in a fixed order; empty if it can run. Pure. */
export function graphProblems(graph: StreamGraph, options: ValidationOptions): GraphProblem[] {
  return [
    ...jobNameProblems(options),
    ...parallelismProblems(graph, options),
    ...endProblems(graph),
    ...missingUidProblems(graph),
    ...uidNameProblems(graph),
    ...duplicateUidProblems(graph),
    ...renamedUidProblems(graph, options),
    ...sharedOutputProblems(graph),
    ...forwardProblems(graph, options),
    ...readFirstProblems(graph),
    ...graph.nodes.flatMap((node) => (node.type === 'operator' ? stateProblems(node) : [])),
  ]
}

function jobNameProblems({ job }: ValidationOptions): GraphProblem[] {
  const problem = nameProblem(job)
  if (problem === undefined) return []
  const message = `the name of the job is "${job}", ${problem}; its folder cannot be called that; ${NAME_RULE}.`
  return [{ code: 'MR_NAME_INVALID', message }]
}

function parallelismProblems(graph: StreamGraph, options: ValidationOptions): GraphProblem[] {
  const { parallelism, maxParallelism } = options
  const problems: GraphProblem[] = []
  const check = (what: string, value: number, limit: number, wayOut: string): void => {
    if (Number.isInteger(value) && value >= 1 && value <= limit) return
    const message = `${what} is ${String(value)} (${typeof value}), which is no whole number from 1 to ${limit}; its subtasks cannot be laid out; ${wayOut}.`
    problems.push({ code: 'MR_OPTION_INVALID', message })
  }
  check(
    'the maximum parallelism',
    maxParallelism,
    MAX_PARALLELISM_LIMIT,
    'set it within that range',
  )
  const limit = problems.length > 0 ? MAX_PARALLELISM_LIMIT : maxParallelism
  const wayOut = 'set it within that range, or raise the maximum parallelism'
  check('the parallelism of the job', parallelism, limit, wayOut)
  for (const node of graph.nodes) {
    if (node.parallelism === undefined) continue
    check(
      `the parallelism of ${label(node)}`,
      node.parallelism,
      limit,
      `${wayOut}, or leave it out`,
    )
  }
  return problems
}

function endProblems(graph: StreamGraph): GraphProblem[] {
  const problems: GraphProblem[] = []
  if (!graph.nodes.some((node) => node.type === 'source')) {
    const message =
      'the graph has no source; there is nothing to read; begin with env.fromSource(…).'
    problems.push({ code: 'MR_GRAPH_INVALID', message })
  }
  if (!graph.nodes.some((node) => node.type === 'sink')) {
    const message =
      'the graph has no sink; nothing would come out of it; end a stream with sinkTo(…).'
    problems.push({ code: 'MR_GRAPH_INVALID', message })
  }
  return problems
}

function missingUidProblems(graph: StreamGraph): GraphProblem[] {
  const without = graph.nodes.filter((node) => node.uid === undefined && needsUid(node))
  if (without.length === 0) return []
  const names = without.map(label).join(', ')
  const message = `no uid is set for ${names}; their state could not be found again after a restart; give each a uid of its own in its options.`
  return [{ code: 'MR_UID_MISSING', message }]
}

/** Sources, sinks and whatever has state or a key. */
function needsUid(node: StreamNode): boolean {
  if (node.type !== 'operator') return true
  if (node.exchange !== undefined || node.hasOperatorState === true) return true
  return node.states.length > 0 || node.hasTimers
}

function uidNameProblems(graph: StreamGraph): GraphProblem[] {
  return graph.nodes.flatMap((node): GraphProblem[] => {
    const problem = node.uid === undefined ? undefined : nameProblem(node.uid)
    if (problem === undefined) return []
    const message = `the uid of a ${node.operatorKind} ${node.type} is "${String(node.uid)}", ${problem}; state and files cannot be named after it; ${NAME_RULE}.`
    return [{ code: 'MR_NAME_INVALID', message }]
  })
}

function duplicateUidProblems(graph: StreamGraph): GraphProblem[] {
  const byUid = new Map<string, StreamNode[]>()
  for (const node of graph.nodes) {
    if (typeof node.uid !== 'string') continue
    const folded = foldName(node.uid)
    byUid.set(folded, [...(byUid.get(folded) ?? []), node])
  }
  return [...byUid.values()]
    .filter((nodes) => nodes.length > 1)
    .map((nodes) => {
      const users = nodes.map((node) => `${node.operatorKind} "${node.uid}"`).join(', ')
      const message = `uid "${nodes[0]!.uid}" is used by ${nodes.length} operators (${users}; upper and lower case are the same); their state would be mixed up; give each a unique uid.`
      return { code: 'MR_UID_DUPLICATE', message }
    })
}

function renamedUidProblems(
  { nodes }: StreamGraph,
  { renamedUids }: ValidationOptions,
): GraphProblem[] {
  const uids = nodes.map(({ uid }) => uid).filter((uid) => uid !== undefined)
  const message = renamedUidsProblem(renamedUids, uids)
  return message === undefined ? [] : [{ code: 'MR_OPTION_INVALID', message }]
}

/** Sinks that take back what they put out must not share it: one would take back, or overwrite, what is the other's. */
function sharedOutputProblems(graph: StreamGraph): GraphProblem[] {
  const problems: GraphProblem[] = []
  const byOutput = new Map<string, StreamNode>()
  for (const node of graph.nodes) {
    if (node.type !== 'sink' || node.sink.canTakeBack !== true) continue
    const { kind, identity = {} } = node.sink
    const output = JSON.stringify([kind, identity])
    const other = byOutput.get(output)
    byOutput.set(output, node)
    if (other === undefined) continue
    const places = Object.entries(identity).map(([name, value]) => `${name} ${value}`)
    const message = `${label(other)} and ${label(node)} write to the same place (${places.join(', ')}); each would remove or overwrite files of the other; give each its own, or unite the streams before one sink.`
    problems.push({ code: 'MR_GRAPH_INVALID', message })
  }
  return problems
}

/** A record keeps its subtask only where both sides have as many. */
function forwardProblems(graph: StreamGraph, options: ValidationOptions): GraphProblem[] {
  const parallelismOf = (node: StreamNode): number => node.parallelism ?? options.parallelism
  return graph.nodes.flatMap((node) => {
    const inputs = readingsOf(node).flatMap((reading) => reading.inputs)
    return inputs.flatMap(({ nodeId, partitioning }): GraphProblem[] => {
      const from = graph.nodes[nodeId]!
      if (partitioning?.kind !== 'forward' || parallelismOf(from) === parallelismOf(node)) return []
      const message = `${label(node)} has parallelism ${parallelismOf(node)} and reads ${label(from)}, which has ${parallelismOf(from)}, behind forward(); records cannot keep their subtask; give both the same parallelism, or use rebalance() or rescale().`
      return [{ code: 'MR_GRAPH_INVALID', message }]
    })
  })
}

/** What never ends cannot be read first, and what is never read at one time cannot keep together. */
function readFirstProblems(graph: StreamGraph): GraphProblem[] {
  const sources = graph.nodes.filter((node) => node.type === 'source')
  const first = sources.filter((node) => node.readFirst === true)
  const endless = first.filter(({ source }) => source.boundedness === 'unbounded')
  const problems = endless.map((node): GraphProblem => {
    const message = `${label(node)} has readFirst, but is unbounded; sources without it would wait for its end, which never comes; leave readFirst out, or read a bounded source.`
    return { code: 'MR_GRAPH_INVALID', message }
  })
  for (const node of first) {
    const group = node.watermarks?.alignment?.group
    const other = sources.find((one) => {
      return one.readFirst !== true && one.watermarks?.alignment?.group === group
    })
    if (group === undefined || other === undefined) continue
    const message = `${label(node)}, which has readFirst, and ${label(other)}, which has not, are aligned in one group "${group}"; they are not read at the same time, so that each would wait for the other; give them groups of their own, or leave the alignment of one out.`
    problems.push({ code: 'MR_GRAPH_INVALID', message })
  }
  return problems
}

/** What a node reads, input by input. */
function readingsOf(node: StreamNode): NodeReading[] {
  if (node.type === 'source') return []
  const second = node.type === 'operator' ? node.second : undefined
  return second === undefined ? [node] : [node, second]
}
