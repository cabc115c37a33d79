import type { Vertex } from '../graph/job-graph-types.ts'
import type { Key } from '../key.ts'
import { showValue } from '../show-value.ts'
import type { KeyedStateBackend } from '../state/state-backend.ts'
import type { NodeRuntime } from './chain-node.ts'
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
  readonly #room: SlotRoom

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
    this.#backend = options.backend
    this.#room = options.room
  }

  /** Takes a record of an input. */
  receive(input: number, value: unknown, timestamp: number): void {
    if (this.#isSecondInput !== undefined && this.#isSecondInput[input]!) {
      this.#receiveSecond(value, timestamp)
      return
    }
    if (this.#keyOf === undefined) this.#nodes[0]!.accept(value, timestamp)
    else this.#acceptKeyed(value, timestamp, this.#keyOf(value), undefined)
  }

  /** As `receive`, with the key already known. */
  receiveKeyed(input: number, value: unknown, timestamp: number, key: Key, keyGroup: number): void {
    if (this.#isSecondInput !== undefined && this.#isSecondInput[input]!) {
      this.#acceptSecondKeyed(value, timestamp, key, keyGroup)
      return
    }
    this.#acceptKeyed(value, timestamp, key, keyGroup)
  }

  #acceptKeyed(value: unknown, timestamp: number, key: Key, keyGroup: number | undefined): void {
    const backend = this.#backend!
    const heads = this.#nodes
    backend.setCurrentKey(key, keyGroup)
    try {
      for (let i = 0; i < heads.length; i++) {
        if (i > 0) backend.setNamespace(undefined)
        heads[i]!.accept(value, timestamp)
      }
    } catch (error) {
      throw this.nameKey(error)
    }
    backend.clearCurrent()
    if (backend.isSuspended) this.#room.used()
  }

  #receiveSecond(value: unknown, timestamp: number): void {
    if (this.#secondKeyOf === undefined) this.#nodes[0]!.acceptSecond(value, timestamp)
    else this.#acceptSecondKeyed(value, timestamp, this.#secondKeyOf(value), undefined)
  }

  #acceptSecondKeyed(
    value: unknown,
    timestamp: number,
    key: Key,
    keyGroup: number | undefined,
  ): void {
    const backend = this.#backend!
    backend.setCurrentKey(key, keyGroup)
    try {
      this.#nodes[0]!.acceptSecond(value, timestamp)
    } catch (error) {
      throw this.nameKey(error)
    }
    backend.clearCurrent()
    if (backend.isSuspended) this.#room.used()
  }

  /** Adds the current key to a failure of a record or a timer (R39). */
  nameKey(error: unknown): Error {
    const key = showValue(this.#backend!.currentKey)
    return extendFailure(error, `key ${key}`, { key })
  }
}
