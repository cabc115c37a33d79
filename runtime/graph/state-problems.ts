import type { ErrorCode } from '../error-codes.ts'
import { foldName, NAME_RULE, nameProblem } from '../names.ts'
import { isOperatorStateKind, type OperatorStateDescriptor } from '../state/operator-state.ts'
import { STATE_KINDS, type StateDescriptor } from '../state/state.ts'
import { ttlProblem } from '../state/state-ttl.ts'
import { upcastsProblem } from '../state/upcasts.ts'
import { nodeLabel as label } from './node-label.ts'
import type { OperatorNode } from './stream-graph.ts'

/** Schema versions are stored in 16 bits. */
const MAX_STATE_VERSION = 65_535

/** One thing that is wrong: what is, what it prevents, the way out. */
export interface GraphProblem {
  readonly code: ErrorCode
  readonly message: string
}

type Declared = 'state' | 'broadcastState' | 'operatorState'

function kindProblem(
  node: OperatorNode,
  { name, kind, ttl }: AnyDescriptor,
  declared: Declared,
): string | undefined {
  if (declared === 'operatorState') {
    if (isOperatorStateKind(kind)) return undefined
    return `what ${label(node)} declares as operator state "${name}" is no list of a subtask; there would be nothing to keep items in; use operatorListState() or unionListState(), and declare what belongs to a key under state.`
  }
  if (declared === 'broadcastState') {
    if (kind === 'map' && ttl === undefined) return undefined
    if (kind === 'map') {
      return `broadcast state "${name}" of ${label(node)} has a ttl; broadcast state does not expire, as subtasks would no longer agree; leave it out, and remove entries in processBroadcastElement.`
    }
    return `what ${label(node)} declares as broadcast state "${name}" is no map state; broadcast records could not be kept by key; use mapState().`
  }
  if ((STATE_KINDS as readonly string[]).includes(kind)) return undefined
  if (isOperatorStateKind(kind)) {
    return `what ${label(node)} declares as state "${name}" is a list of a subtask; it belongs to no key; declare it under operatorState.`
  }
  return `what ${label(node)} declares as state "${name}" is no declaration; there would be nothing to keep values in; use valueState(), listState(), mapState(), reducingState() or aggregatingState().`
}

/** A declaration of any kind, since who writes JavaScript may declare anything anywhere. */
type AnyDescriptor = Omit<StateDescriptor, 'kind'> & {
  readonly kind: StateDescriptor['kind'] | OperatorStateDescriptor['kind']
}

/** All that an operator declares, and where. */
function declarations(node: OperatorNode): [AnyDescriptor, Declared][] {
  const { states, broadcastStates = [], operatorStates = [] } = node
  return [
    ...states.map((state): [AnyDescriptor, Declared] => [state, 'state']),
    ...broadcastStates.map((state): [AnyDescriptor, Declared] => [state, 'broadcastState']),
    ...operatorStates.map((state): [AnyDescriptor, Declared] => [state, 'operatorState']),
  ]
}

/** What is wrong with the states that an operator declares. */
export function stateProblems(node: OperatorNode): GraphProblem[] {
  const problems: GraphProblem[] = []
  const seen = new Map<string, string>()
  for (const [state, declared] of declarations(node)) {
    const { name, version } = state
    const problemOfKind = kindProblem(node, state, declared)
    if (problemOfKind !== undefined) {
      problems.push({ code: 'MR_GRAPH_INVALID', message: problemOfKind })
      continue
    }
    const problem = nameProblem(name)
    if (problem !== undefined) {
      const message = `a state of ${label(node)} is called "${name}", ${problem}; it cannot be stored under that name; ${NAME_RULE}.`
      problems.push({ code: 'MR_NAME_INVALID', message })
    }
    const other = seen.get(foldName(name))
    if (other !== undefined) {
      const message = `${label(node)} declares the states "${other}" and "${name}", which are one name (upper and lower case are the same); their values would be mixed up; rename one of them.`
      problems.push({ code: 'MR_NAME_INVALID', message })
    }
    seen.set(foldName(name), name)
    if (!Number.isInteger(version) || version < 1 || version > MAX_STATE_VERSION) {
      const message = `state "${name}" of ${label(node)} has version ${String(version)}, which is no whole number from 1 to ${MAX_STATE_VERSION}; it cannot be written into a snapshot; leave it out or count up from 1.`
      problems.push({ code: 'MR_OPTION_INVALID', message })
    }
    const what = `state "${name}" of ${label(node)}`
    problems.push(...functionProblems(state, what))
    const ofTtl = state.ttl === undefined ? undefined : ttlProblem(state.ttl, `the ttl of ${what}`)
    const ofUpcasts = upcastsProblem(state.upcasts, version, what)
    problems.push(...[ofTtl, ofUpcasts].filter((one) => one !== undefined))
  }
  if (node.exchange === undefined && (node.states.length > 0 || node.hasTimers)) {
    const message = `${label(node)} has keyed state or timers, but no key; they belong to keys; put a keyBy(…) before it.`
    problems.push({ code: 'MR_GRAPH_INVALID', message })
  }
  return problems
}

/** The functions that a reducing or aggregating state works with; who writes JavaScript may give anything. */
function functionProblems(state: AnyDescriptor, what: string): GraphProblem[] {
  const { kind, reduce, aggregate } = state
  if (kind === 'reducing' && typeof reduce !== 'function') {
    const message = `${what} has ${typeof reduce} for a function to reduce with; values could not be added; give reducingState((a, b) => …) a function.`
    return [{ code: 'MR_GRAPH_INVALID', message }]
  }
  if (kind !== 'aggregating') return []
  const methods = aggregate as Readonly<Record<string, unknown>> | null | undefined
  const missing = ['create', 'add', 'result'].filter(
    (name) => typeof methods?.[name] !== 'function',
  )
  if (missing.length > 0) {
    const message = `${what} has no ${missing.join(', ')} to aggregate with; values could not be added; give aggregatingState({ create, add, result }) all three.`
    return [{ code: 'MR_GRAPH_INVALID', message }]
  }
  const unused = ['open', 'close'].filter((name) => methods?.[name] !== undefined)
  if (unused.length === 0) return []
  const message = `${what} aggregates with a function that has ${unused.join(' and ')}; functions of state are not opened, it would never be called; leave it out, or open what it needs in the function that declares the state.`
  return [{ code: 'MR_GRAPH_INVALID', message }]
}
