/**
 * Where a record stands of which an asynchronous function is asked.
 *
 * ```
 *                 due
 *   ──▶ waiting ───────▶ calling ──answer──▶ settled
 *        │    ▲            │  │                ▲ ▲
 *        │    └────retry───┘  └────timeout─────┘ │
 *        └──────────────timeout──────────────────┘
 * ```
 */
export type EntryState =
  /** Its first call, or the next one, is still to be made. */
  | 'waiting'
  /** One call is under way. */
  | 'calling'
  /** It has its results, or has failed. */
  | 'settled'

/** What may happen to a record. */
export type EntryEvent =
  /** It is time for the next call. */
  | 'due'
  /** The call is over, and its outcome counts. */
  | 'answer'
  /** The call is over, and another one is to follow. */
  | 'retry'
  /** The time for all calls together is over. */
  | 'timeout'

const TRANSITIONS: Readonly<
  Record<EntryState, Readonly<Record<EntryEvent, EntryState | undefined>>>
> = {
  waiting: { due: 'calling', answer: undefined, retry: undefined, timeout: 'settled' },
  calling: { due: undefined, answer: 'settled', retry: 'waiting', timeout: 'settled' },
  settled: { due: undefined, answer: undefined, retry: undefined, timeout: undefined },
}

/**
 * The state after an event; undefined where the event came too late and is to be ignored. Whatever settles a record first
 * counts, in whichever order the others follow: answers behind a timeout, timeouts behind an answer, retries behind either.
 */
export function nextEntryState(state: EntryState, event: EntryEvent): EntryState | undefined {
  return TRANSITIONS[state][event]
}
