import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Out, processFunction, valueState } from 'millrace'

/** A row of the input. */
export interface Posting {
  readonly id: number
  readonly account: string
  readonly cents: number
}

/** What comes out for each of them. */
export interface Balance extends Posting {
  readonly balance: number
}

/** What goes wrong, where, and how often over all attempts and runs. */
export interface FaultParams {
  readonly fault: string
  readonly at: number
  readonly times: number
  readonly marks: string
}

type Faults<R> = Readonly<Record<string, (posting: Posting) => R>>

/** What the map function in front of the shuffle does wrong. */
const MAP_FAULTS: Faults<Posting> = {
  'map-throws': () => {
    throw new RangeError('no such account')
  },
  'map-promise': (posting) => Promise.resolve(posting) as unknown as Posting,
  'edge-value': (posting) => ({ ...posting, details: [{ open: () => {} }] }),
}

/** What the key selector does wrong. */
const KEY_FAULTS: Faults<string> = {
  'key-undefined': () => undefined as unknown as string,
  'key-nan': () => Number.NaN as unknown as string,
  'key-object': ({ account }) => ({ account }) as unknown as string,
  'key-throws': () => {
    throw new RangeError('no such key')
  },
}

/** The map function in front of the shuffle. */
export function failsInMap(params: FaultParams): (posting: Posting) => Posting {
  return (posting) => due(MAP_FAULTS, params, posting)?.(posting) ?? posting
}

/** The key of a posting. */
export function spoiledKey(posting: Posting, params: FaultParams): string {
  const fault = due(KEY_FAULTS, params, posting)
  return fault === undefined ? posting.account : fault(posting)
}

/** The function behind the shuffle: the balance of each account. */
export function balance(params: FaultParams) {
  return processFunction({
    state: { sum: valueState<number>() },
    processElement(posting: Posting, ctx, out: Out<Balance>) {
      const { state } = ctx
      const faults: Faults<undefined> = {
        throws: () => {
          throw new RangeError('no such account')
        },
        promise: () => Promise.resolve() as unknown as undefined,
        'state-value': () => {
          state.sum.update({ since: new Map([['a', Symbol('then')]]) } as unknown as number)
        },
        'state-outside': () => queueMicrotask(() => ctx.state.sum.value()) as undefined,
        'state-handle-outside': () => {
          const { sum } = state
          queueMicrotask(() => sum.value())
        },
        exits: () => process.exit(7),
        hoards: () => {
          const hoard: number[][] = []
          for (;;) hoard.push(Array.from({ length: 100_000 }, (_, index) => index + 0.5))
        },
      }
      const fault = due(faults, params, posting)
      if (fault !== undefined) return fault(posting)
      const sum = (state.sum.value() ?? 0) + posting.cents
      state.sum.update(sum)
      out.emit({ ...posting, balance: sum })
      return undefined
    },
  })
}

/** The fault that is to happen now, if it is one of these: threads forget everything, so each time leaves a file. */
function due<R>(
  faults: Faults<R>,
  { fault, at, times, marks }: FaultParams,
  { id }: Posting,
): ((posting: Posting) => R) | undefined {
  if (id !== at || !Object.hasOwn(faults, fault)) return undefined
  mkdirSync(marks, { recursive: true })
  const before = readdirSync(marks).length
  if (before >= times) return undefined
  writeFileSync(join(marks, String(before)), '')
  return faults[fault]
}
