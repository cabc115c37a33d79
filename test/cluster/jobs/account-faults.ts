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

/** What goes wrong, and where. */
export interface FaultParams {
  readonly fault: string
  readonly at: number
  readonly times: number
  readonly marks: string
}

/** The map function in front of the shuffle. */
export function failsInMap(params: FaultParams): (posting: Posting) => Posting {
  return (posting) => {
    if (!isDue(params, posting)) return posting
    switch (params.fault) {
      case 'map-throws':
        throw new RangeError('no such account')
      case 'map-promise':
        return Promise.resolve(posting) as unknown as Posting
      case 'edge-value':
        return { ...posting, details: [{ open: () => {} }] } as unknown as Posting
      default:
        return posting
    }
  }
}

/** The key of a posting. */
export function spoiledKey(posting: Posting, { fault, at }: FaultParams): string {
  if (posting.id !== at) return posting.account
  switch (fault) {
    case 'key-undefined':
      return undefined as unknown as string
    case 'key-nan':
      return Number.NaN as unknown as string
    case 'key-object':
      return { account: posting.account } as unknown as string
    default:
      return posting.account
  }
}

/** The function behind the shuffle: the balance of each account. */
export function balance(params: FaultParams) {
  return processFunction({
    state: { sum: valueState<number>() },
    processElement(posting: Posting, ctx, out: Out<Balance>) {
      if (isDue(params, posting)) {
        switch (params.fault) {
          case 'throws':
            throw new RangeError('no such account')
          case 'promise':
            return Promise.resolve() as unknown as undefined
          case 'state-value':
            ctx.state.sum.update({ since: new Map([['a', Symbol('then')]]) } as unknown as number)
            return
          case 'state-outside':
            queueMicrotask(() => ctx.state.sum.value())
            break
          case 'state-handle-outside': {
            const { sum } = ctx.state
            queueMicrotask(() => sum.value())
            break
          }
          case 'exits':
            process.exit(7)
          case 'hoards': {
            const hoard: number[][] = []
            for (;;) hoard.push(Array.from({ length: 100_000 }, (_, index) => index + 0.5))
          }
          case 'hangs':
            console.log('now it hangs')
            for (;;);
          default:
        }
      }
      const sum = (ctx.state.sum.value() ?? 0) + posting.cents
      ctx.state.sum.update(sum)
      out.emit({ ...posting, balance: sum })
    },
  })
}

/** Whether it goes wrong now: threads forget everything, so each time leaves a file. */
function isDue({ fault, at, times, marks }: FaultParams, { id }: Posting): boolean {
  if (fault === '' || id !== at) return false
  if (marks === '') return true
  mkdirSync(marks, { recursive: true })
  const before = readdirSync(marks).length
  if (before < times) writeFileSync(join(marks, String(before)), '')
  return before < times
}
