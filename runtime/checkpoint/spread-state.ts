import { StreamError } from '../errors.ts'
import { subtaskOfKeyGroup } from '../key-group.ts'
import type { StateSpread } from '../operator.ts'
import { storedListsIn } from '../state/operator-list-format.ts'
import { decodeValue, encodeValue } from '../value-codec.ts'
import { type SpreadList, splitByOwner, splitLists } from './operator-lists.ts'
import { type PendingCommit, spreadCommits } from './pending-commits.ts'
import { type SourceState, spreadSplits } from './source-state.ts'
import { spreadLists } from './spread-lists.ts'

/** What becomes of the state that subtasks keep for themselves: of an operator, of a source (`splits`), of a sink (`commits`). */
export type Spread = StateSpread | 'splits' | 'commits'

/** The state of each old subtask as it stands in a manifest, in their order; undefined of one that had none. */
export type OldStates = readonly (Uint8Array | undefined)[]

export interface SpreadTarget {
  /** Name of the operator. */
  readonly name: string
  readonly spread: Spread
  readonly parallelism: number
  readonly maxParallelism: number
  /** What reaches a subtask is not what reached the old one of its number. */
  readonly isRearranged: boolean
  /** Whether all old subtasks have finished. */
  readonly hasFinished: boolean
}

/**
 * The state of one operator for each new subtask; undefined for those that get none. Each keeps its own where their number
 * stays, but for what would have to begin anew with other input (`fresh`), and for union lists.
 *
 * Fails with `MR_STATE_NOT_DIVISIBLE` for state that belongs to a number of subtasks.
 */
export function spreadState(states: OldStates, target: SpreadTarget): OldStates {
  const { spread, parallelism, isRearranged, hasFinished } = target
  const present = states.filter((state) => state !== undefined)
  const keepsOwn = spread !== 'lists' && (spread !== 'fresh' || !isRearranged)
  if (states.length === parallelism && keepsOwn) return states
  if (present.length === 0) return Array.from({ length: parallelism }, () => undefined)
  switch (spread) {
    case 'broadcast':
      return Array.from({ length: parallelism }, (_, subtask) => states[subtask % states.length])
    case 'fresh':
      return Array.from({ length: parallelism }, () => undefined)
    case 'fixed':
      throw notDivisible(states.length, target)
    case 'split':
      return encodeAll(splitLists(listsOf(states), parallelism), target)
    case 'by-key-group':
      return encodeAll(splitByOwner(listsOf(states), parallelism, ownerIn(target)), target)
    case 'lists': {
      const lists = states.map((state) => storedListsIn(state && decodeAs(state)))
      return encodeAll(spreadLists(lists, parallelism, hasFinished), target)
    }
    case 'splits':
      return encodeAll(spreadSplits(present.map(decodeAs<SourceState>), parallelism), target)
    case 'commits': {
      const pending = states.map((state) => (state === undefined ? [] : decodeAs<Pending>(state)))
      return encodeAll(spreadCommits(pending, parallelism), target)
    }
  }
}

type Pending = readonly PendingCommit[]
type Lists = Readonly<Record<string, unknown[]>>

/** Each list with what every old subtask had in it. */
function listsOf(states: OldStates): SpreadList[] {
  const decoded = states.map((state): Lists => (state === undefined ? {} : decodeAs(state)))
  const names = [...new Set(decoded.flatMap((lists) => Object.keys(lists)))]
  return names.map((name) => ({ name, lists: decoded.map((state) => state[name] ?? []) }))
}

function ownerIn({ maxParallelism, parallelism }: SpreadTarget) {
  return (item: unknown): number | undefined => {
    const { keyGroup } = item as { readonly keyGroup?: number }
    return keyGroup === undefined
      ? undefined
      : subtaskOfKeyGroup(keyGroup, maxParallelism, parallelism)
  }
}

function encodeAll(states: readonly unknown[], { name }: SpreadTarget): Uint8Array[] {
  return states.map((state) => encodeValue(state, name))
}

function decodeAs<State>(data: Uint8Array): State {
  return decodeValue(data) as State
}

function notDivisible(was: number, { name, parallelism }: SpreadTarget): StreamError {
  return new StreamError(
    'MR_STATE_NOT_DIVISIBLE',
    `Operator "${name}" had ${was} subtasks in the checkpoint and has ${parallelism} now; each of them kept something for itself that cannot be divided; give "${name}" a parallelism of ${was}.`,
    { operator: name, was, is: parallelism },
  )
}
