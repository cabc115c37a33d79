import type { Vertex } from '../graph/job-graph-types.ts'
import type { Key } from '../key.ts'
import { showValue } from '../show-value.ts'
import type { KeyedStateBackend } from '../state/state-backend.ts'
import { ownCode } from '../own-code.ts'
import type { NodeRuntime, RecordTarget } from './chain-node.ts'
import { keyReader } from './edge-output.ts'
import { extendFailure } from './failure-context.ts'
import type { SlotRoom } from './slot-room.ts'

export interface ChainHeadsOptions {
  readonly vertex: Vertex
  readonly nodes: readonly NodeRuntime[]
  readonly backend: KeyedStateBackend | undefined
  /** Told when a record is the last that the state takes for now. */
  readonly room: SlotRoom
  /** By input: whether it feeds the second input of the head. Default: none does. */
  readonly isSecondInput: readonly boolean[] | undefined
}

/**
 * Where records enter the chain of a subtask: each goes into all heads, those nodes that no other node of the chain feeds.
 *
 * There are several only where the chain is keyed, and then its key is current meanwhile. A record that comes over a
 * direct channel may have its key already; for any other the selector is asked.
 */
export class ChainHeads {
  /** Where they stand in the chain. */
  readonly indexes: readonly number[]
  readonly #nodes: readonly NodeRuntime[]
  readonly #keyOf: ((value: unknown) => Key) | undefined
  readonly #secondKeyOf: ((value: unknown) => Key) | undefined
  /** Undefined where the head has one input. */
  readonly #isSecondInput: readonly boolean[] | undefined
  readonly #backend: KeyedStateBackend | undefined
  declare readonly acceptKeyed: AcceptKeyed
  /** Only where there is a second input. */
  declare readonly acceptSecondKeyed: AcceptKeyed

  constructor(options: ChainHeadsOptions) {
    const { nodes, vertex, isSecondInput } = options
    this.#nodes = nodes.filter((node) => node.node.parent === -1)
    this.indexes = this.#nodes.map((head) => nodes.indexOf(head))
    const { name } = this.#nodes[0]!
    const selectors = [vertex.exchange?.selector, vertex.secondExchange?.selector]
    const readers = selectors.map((selector) => selector && keyReader(selector, name))
    this.#keyOf = readers[0]
    this.#secondKeyOf = readers[1]
    this.#isSecondInput = isSecondInput?.includes(true) === true ? isSecondInput : undefined
    const { backend, room } = options
    this.#backend = backend
    if (backend === undefined) return
    const heads = this.#nodes.map((node): RecordTarget => node)
    const all = heads.reduce((first, second) => new Heads(first, second, backend))
    const nameKey = (error: unknown): Error => this.nameKey(error)
    this.acceptKeyed = ownCode(acceptUnder, import.meta.url)(backend, all, room, nameKey)
    if (this.#isSecondInput === undefined) return
    const second: RecordTarget = {
      accept: (value, timestamp) => this.#nodes[0]!.acceptSecond(value, timestamp),
    }
    this.acceptSecondKeyed = ownCode(acceptUnder, import.meta.url)(backend, second, room, nameKey)
  }

  /** Takes a record of an input. */
  receive(input: number, value: unknown, timestamp: number): void {
    const isSecond = this.#isSecondInput !== undefined && this.#isSecondInput[input]!
    const keyOf = isSecond ? this.#secondKeyOf : this.#keyOf
    if (keyOf !== undefined) {
      const accept = isSecond ? this.acceptSecondKeyed : this.acceptKeyed
      accept(value, timestamp, keyOf(value), undefined)
    } else if (isSecond) this.#nodes[0]!.acceptSecond(value, timestamp)
    else this.#nodes[0]!.accept(value, timestamp)
  }

  /** As `receive`, with the key already known. */
  receiveKeyed(input: number, value: unknown, timestamp: number, key: Key, keyGroup: number): void {
    const isSecond = this.#isSecondInput !== undefined && this.#isSecondInput[input]!
    if (isSecond) this.acceptSecondKeyed(value, timestamp, key, keyGroup)
    else this.acceptKeyed(value, timestamp, key, keyGroup)
  }

  /** Adds the current key to a failure of a record or a timer (R39). */
  nameKey(error: unknown): Error {
    const key = showValue(this.#backend!.currentKey)
    return extendFailure(error, `key ${key}`, { key })
  }
}

type AcceptKeyed = (
  value: unknown,
  timestamp: number,
  key: Key,
  keyGroup: number | undefined,
) => void

function acceptUnder(
  backend: KeyedStateBackend,
  head: RecordTarget,
  room: SlotRoom,
  nameKey: (error: unknown) => Error,
): AcceptKeyed {
  return function acceptKeyed(value, timestamp, key, keyGroup) {
    backend.setCurrentKey(key, keyGroup)
    try {
      head.accept(value, timestamp)
    } catch (error) {
      throw nameKey(error)
    }
    backend.clearCurrent()
    if (backend.isSuspended) room.used()
  }
}

/** Several heads, each of which begins in the default namespace of the key. */
class Heads implements RecordTarget {
  readonly #first: RecordTarget
  readonly #second: RecordTarget
  readonly #backend: KeyedStateBackend

  constructor(first: RecordTarget, second: RecordTarget, backend: KeyedStateBackend) {
    this.#first = first
    this.#second = second
    this.#backend = backend
  }

  accept(value: unknown, timestamp: number): void {
    this.#first.accept(value, timestamp)
    this.#backend.setNamespace(undefined)
    this.#second.accept(value, timestamp)
  }
}
