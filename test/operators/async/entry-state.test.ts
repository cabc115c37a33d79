import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type EntryEvent,
  type EntryState,
  nextEntryState,
} from '../../../operators/async/entry-state.ts'

const EVENTS: readonly EntryEvent[] = ['due', 'answer', 'retry', 'timeout']

describe('nextEntryState', () => {
  it.each<[EntryState, EntryEvent, EntryState | undefined]>([
    ['waiting', 'due', 'calling'],
    ['waiting', 'answer', undefined],
    ['waiting', 'retry', undefined],
    ['waiting', 'timeout', 'settled'],
    ['calling', 'due', undefined],
    ['calling', 'answer', 'settled'],
    ['calling', 'retry', 'waiting'],
    ['calling', 'timeout', 'settled'],
    ['settled', 'due', undefined],
    ['settled', 'answer', undefined],
    ['settled', 'retry', undefined],
    ['settled', 'timeout', undefined],
  ])('a record that is %s becomes, after %s, %s (semantics 2.16)', (state, event, next) => {
    expect(nextEntryState(state, event)).toBe(next)
  })

  it('settles once, whatever comes in whichever order (FLINK-38082, FLINK-40456, semantics 2.16)', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 20 }), (events) => {
        let state: EntryState = 'waiting'
        let settled = 0
        let open = 0
        for (const event of events) {
          const next: EntryState | undefined = nextEntryState(state, event)
          if (next === undefined) continue
          if (event === 'due') open++
          if (event === 'answer' || event === 'retry') open--
          if (next === 'settled') settled++
          // A call that a timeout has overtaken is the only one that may still be open then.
          expect(open).toBe(
            next === 'calling' || (event === 'timeout' && state === 'calling') ? 1 : 0,
          )
          state = next
        }
        expect(settled).toBe(state === 'settled' ? 1 : 0)
      }),
    )
  })

  it('comes to the same with timeout and retry in either order: settled, with no call behind it (FLINK-40456)', () => {
    const after = (...events: EntryEvent[]): EntryState =>
      events.reduce<EntryState>((state, event) => nextEntryState(state, event) ?? state, 'calling')
    expect(after('retry', 'timeout', 'due')).toBe('settled')
    expect(after('timeout', 'retry', 'due')).toBe('settled')
  })
})
