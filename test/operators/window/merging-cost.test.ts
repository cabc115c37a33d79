import { describe, expect, test } from 'vitest'
import { MergingWindows, mergingStates } from '../../../operators/window/merging-windows.ts'
import { timeWindow } from '../../../operators/window/time-window.ts'
import type { KeyedContext } from '../../../runtime/operator.ts'

/** State of one key in plain maps, which counts what is read and written, and how long what is written is. */
class CountedState {
  reads = 0
  writes = 0
  /** Numbers within the values that were written. */
  written = 0
  readonly #values: Map<string, unknown> = new Map()

  context(): KeyedContext {
    const state = ({ kind, name }: { readonly kind: string; readonly name: string }): unknown =>
      kind === 'map' ? this.#map(name) : this.#value(name)
    return { state, setNamespace() {} } as unknown as KeyedContext
  }

  #get(cell: string): unknown {
    this.reads++
    return this.#values.get(cell)
  }

  #set(cell: string, value: unknown): void {
    this.writes++
    this.written += (value as readonly number[]).length
    this.#values.set(cell, value)
  }

  #delete(cell: string): void {
    this.writes++
    this.#values.delete(cell)
  }

  #value(name: string): unknown {
    return {
      value: () => this.#get(name),
      update: (value: unknown) => this.#set(name, value),
      clear: () => this.#delete(name),
    }
  }

  #map(name: string): unknown {
    return {
      get: (key: number) => this.#get(`${name}/${key}`),
      put: (key: number, value: unknown) => this.#set(`${name}/${key}`, value),
      remove: (key: number) => this.#delete(`${name}/${key}`),
    }
  }
}

const GAP = 10
const RECORDS = 500

/** What a record costs while so many sessions of its key are open, in accesses to the state and numbers written. */
function perRecord(open: number, record: (windows: MergingWindows, i: number) => void) {
  const state = new CountedState()
  const windows = new MergingWindows(state.context(), mergingStates('session'), () => {})
  for (let i = 0; i < open; i++) enter(windows, spot(i, open) * 3 * GAP)
  state.reads = 0
  state.writes = 0
  state.written = 0
  for (let i = 0; i < RECORDS; i++) record(windows, i)
  const { reads, writes, written } = state
  return { reads: reads / RECORDS, writes: writes / RECORDS, written: written / RECORDS }
}

/** Sessions are opened in some order. */
const spot = (i: number, open: number): number => (i * 7_919) % open

function enter(windows: MergingWindows, start: number): void {
  windows.contentsOf(windows.enter(timeWindow(start, start + GAP)))
}

describe('a record in windows that merge, however many are open', () => {
  const counts = [1, 10, 1_000, 30_000]

  test('reads and writes a few short values where it makes a session longer (semantics 2.2)', () => {
    for (const open of counts) {
      const cost = perRecord(open, (windows, i) =>
        enter(windows, spot(i, open) * 3 * GAP + 1 + (i % 3)),
      )
      expect([open, cost.reads <= 8, cost.writes <= 1, cost.written <= 64 * 3]).toEqual([
        ...[open, true, true, true],
      ])
    }
  })

  test('the same where it opens one, merges two, or is one of a session that is there already (semantics 2.2)', () => {
    const kinds: Record<string, (windows: MergingWindows, i: number, open: number) => void> = {
      covered: (windows, i, open) => enter(windows, spot(i, open) * 3 * GAP),
      opening: (windows, i, open) => enter(windows, (open + i) * 3 * GAP),
      merging: (windows, i, open) => {
        const start = (open + i) * 10 * GAP
        enter(windows, start)
        enter(windows, start + 2 * GAP)
        enter(windows, start + GAP)
        windows.leave(timeWindow(start, start + 3 * GAP))
      },
    }
    for (const [name, record] of Object.entries(kinds)) {
      for (const open of counts) {
        const { reads, writes, written } = perRecord(open, (windows, i) => record(windows, i, open))
        // Where a run is split, its border is added to theirs: one number for 32 sessions, once in 32 records.
        const most = 10 * 64 * 3 + open / 32 / 32
        expect([name, open, reads <= 40, writes <= 8, written <= most]).toEqual([
          ...[name, open, true, true, true],
        ])
      }
    }
  })
})
