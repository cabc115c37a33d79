import type { CheckpointManifest, ManifestState } from '../checkpoint/manifest.ts'
import { StreamError } from '../errors.ts'
import type { SnapshotEntry } from '../inspect/snapshot-entry.ts'
import { findState } from '../inspect/snapshot-states.ts'
import { NAME_RULE, nameProblem } from '../names.ts'
import { isOperatorStateKind } from '../state/operator-state.ts'
import { EVENT_TIMERS, PROCESSING_TIMERS } from '../state/timer-names.ts'
import type { EntryAction } from './edit-entries.ts'
import type { StateEdit } from './state-edit.ts'

/** What is to become of states, by uid and state. */
export type StateEdits = Readonly<Record<string, Readonly<Record<string, StateEdit>>>>

type ChangeOwn = (entry: SnapshotEntry<never>) => unknown

/** Edits of what stands in the manifest of an operator: `undefined` leaves it out. */
export interface OwnEdits {
  readonly operator: Map<string, ChangeOwn | 'drop'>
  readonly enumerator: Map<string, ChangeOwn | 'drop'>
  /** By uid, then by name. */
  readonly broadcast: Map<
    string,
    Map<string, Extract<StateEdit, { edit: 'broadcast' | 'change' | 'drop' | 'rename' }>>
  >
  /** Of lists of subtasks, by uid. */
  readonly lists: Map<string, ListEdits>
}

export type ListEdit = Extract<StateEdit, { edit: 'list' | 'change' | 'drop' | 'rename' }>

/** By name. */
export type ListEdits = Map<string, ListEdit>

/** New entries of one state. */
export interface PlannedEntries {
  readonly uid: string
  readonly stateId: number
  readonly edit: Extract<StateEdit, { edit: 'put' | 'timers' }>
}

/** What a savepoint will hold, by number of state. */
export interface EditPlan {
  readonly states: readonly ManifestState[]
  readonly actions: ReadonlyMap<number, EntryAction>
  readonly entries: readonly PlannedEntries[]
  readonly own: OwnEdits
}

const TIMERS = { event: EVENT_TIMERS, processing: PROCESSING_TIMERS } as const

/**
 * Judges edits against the snapshot that they are made in, undefined where a savepoint is begun from nothing: names that it does
 * not have are `MR_STATE_NOT_FOUND`, edits that do not fit the kind of a state `MR_STATE_INCOMPATIBLE`. Pure.
 */
export function planEdits(base: CheckpointManifest | undefined, edits: StateEdits): EditPlan {
  const planner = new EditPlanner(base)
  for (const [uid, ofUid] of Object.entries(edits)) {
    for (const [name, edit] of Object.entries(ofUid)) planner.take(uid, name, edit)
  }
  return planner
}

class EditPlanner implements EditPlan {
  readonly states: ManifestState[]
  readonly actions: Map<number, EntryAction>
  readonly entries: PlannedEntries[] = []
  readonly own: OwnEdits = {
    operator: new Map(),
    enumerator: new Map(),
    broadcast: new Map(),
    lists: new Map(),
  }
  readonly #base: CheckpointManifest | undefined
  #nextId: number

  constructor(base: CheckpointManifest | undefined) {
    this.#base = base
    // Of states that were dropped nothing is taken over, so their numbers need not stay taken.
    this.states = (base?.states ?? []).filter((state) => state.isDropped !== true)
    this.actions = new Map(this.states.map(({ stateId }) => [stateId, 'keep']))
    this.#nextId = Math.max(0, ...(base?.states ?? []).map((state) => state.stateId)) + 1
  }

  take(uid: string, name: string, edit: StateEdit): void {
    switch (edit.edit) {
      case 'put':
        checkNewName(uid, name)
        this.#put(uid, name, edit)
        break
      case 'timers':
        this.#putTimers(uid, name, edit)
        break
      case 'broadcast':
        checkNewName(uid, name)
        this.#remove(uid, name)
        this.#add({ uid, name, kind: 'broadcast', version: edit.descriptor.version })
        editsOf(this.own.broadcast, uid).set(name, edit)
        break
      case 'list': {
        checkNewName(uid, name)
        this.#remove(uid, name)
        const { kind, version } = edit.descriptor
        this.#add({ uid, name, kind, version })
        editsOf(this.own.lists, uid).set(name, edit)
        break
      }
      default:
        this.#edit(uid, name, edit)
    }
  }

  #edit(
    uid: string,
    name: string,
    edit: Extract<StateEdit, { edit: 'change' | 'drop' | 'rename' }>,
  ): void {
    if (this.#base === undefined) throw nothingThere(uid, name, edit.edit)
    const { kind } = findState(this.#base, uid, name)
    if (kind === 'operator' || kind === 'enumerator') {
      if (edit.edit === 'rename') throw unfit(uid, name, `${kind} state has no name of its own`)
      this.own[kind].set(uid, edit.edit === 'drop' ? 'drop' : edit.change)
      return
    }
    if (kind === 'timers' && edit.edit !== 'drop') {
      throw unfit(uid, name, 'timers can be set with bootstrapTimers, or dropped')
    }
    if (kind === 'broadcast') editsOf(this.own.broadcast, uid).set(name, edit)
    else if (isOperatorStateKind(kind)) editsOf(this.own.lists, uid).set(name, edit)
    if (edit.edit === 'drop') this.#remove(uid, name)
    else if (edit.edit === 'rename') this.#rename(uid, name, edit.to)
    else if (kind !== 'broadcast' && !isOperatorStateKind(kind)) {
      const what = `state "${name}" of operator "${uid}"`
      this.actions.set(this.#find(uid, name)!.stateId, { change: edit.change, kind, what })
    }
  }

  #put(uid: string, name: string, edit: Extract<StateEdit, { edit: 'put' }>): void {
    const { kind, version } = edit.descriptor
    const before = this.#find(uid, name)
    if (edit.replaces) this.#remove(uid, name)
    else if (before !== undefined && (before.kind !== kind || before.version !== version)) {
      const is = `it is ${before.kind} state of version ${before.version}, and ${kind} state of version ${version} is put into it`
      throw unfit(uid, name, is)
    }
    const state = this.#find(uid, name) ?? this.#add({ uid, name, kind, version })
    const descriptor = { ...edit.descriptor, name }
    this.entries.push({ uid, stateId: state.stateId, edit: { ...edit, descriptor } })
  }

  #putTimers(uid: string, name: string, edit: Extract<StateEdit, { edit: 'timers' }>): void {
    const wanted = TIMERS[edit.domain]
    if (name !== wanted) throw unfit(uid, name, `timers of ${edit.domain} time are "${wanted}"`)
    this.#remove(uid, name)
    const { stateId } = this.#add({ uid, name, kind: 'timers', version: 1 })
    this.entries.push({ uid, stateId, edit })
  }

  #rename(uid: string, name: string, to: string): void {
    checkNewName(uid, to)
    if (this.#find(uid, to) !== undefined)
      throw unfit(uid, name, `there is a state "${to}" already`)
    const at = this.states.findIndex((state) => state.uid === uid && state.name === name)
    this.states[at] = { ...this.states[at]!, name: to }
  }

  #find(uid: string, name: string): ManifestState | undefined {
    return this.states.find((state) => state.uid === uid && state.name === name)
  }

  #add(state: Omit<ManifestState, 'stateId'>): ManifestState {
    const added = { stateId: this.#nextId++, ...state }
    this.states.push(added)
    return added
  }

  #remove(uid: string, name: string): void {
    const state = this.#find(uid, name)
    if (state === undefined) return
    this.actions.delete(state.stateId)
    this.states.splice(this.states.indexOf(state), 1)
  }
}

/** The edits of one operator, by name. */
function editsOf<E>(all: Map<string, Map<string, E>>, uid: string): Map<string, E> {
  const known = all.get(uid)
  if (known !== undefined) return known
  const edits = new Map<string, E>()
  all.set(uid, edits)
  return edits
}

function checkNewName(uid: string, name: string): void {
  for (const one of [uid, name]) {
    const problem = nameProblem(one)
    if (problem === undefined) continue
    throw new StreamError(
      'MR_NAME_INVALID',
      `The name of a state or operator to write is "${one}", ${problem}; no job could have it, so nothing was written; ${NAME_RULE}.`,
      { uid, state: name },
    )
  }
}

function nothingThere(uid: string, name: string, edit: string): StreamError {
  return new StreamError(
    'MR_STATE_NOT_FOUND',
    `State "${name}" of operator "${uid}" is to be edited (${edit}) in a savepoint that is begun from nothing; there is nothing to edit, so nothing was written; give a snapshot with \`from\`, or fill the state with bootstrapState.`,
    { uid, state: name },
  )
}

function unfit(uid: string, name: string, what: string): StreamError {
  return new StreamError(
    'MR_STATE_INCOMPATIBLE',
    `State "${name}" of operator "${uid}" cannot be edited so: ${what}; nothing was written; see what there is with millrace state ls.`,
    { uid, state: name },
  )
}
