import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AsyncQueue, HeldWatermark } from '../../../operators/async/async-queue.ts'
import { OrderedQueue } from '../../../operators/async/ordered-queue.ts'
import { UnorderedQueue } from '../../../operators/async/unordered-queue.ts'

interface Entry {
  readonly name: string
  isSettled: boolean
}

/** A step of a test: something comes, the nth record that is open is settled, or up to so many may leave. */
type Step =
  { readonly add: 'record' | 'watermark' } | { readonly settle: number } | { readonly emit: number }

const STEP: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ add: fc.constantFrom('record', 'record', 'watermark') }),
  fc.record({ settle: fc.nat(20) }),
  fc.record({ emit: fc.nat(5) }),
) as fc.Arbitrary<Step>

const STEPS = fc.array(STEP, { maxLength: 60 })

/** What goes through a queue: what was added, settled and emitted, each in its order. */
class Run {
  readonly queue: AsyncQueue<Entry>
  readonly added: string[] = []
  readonly settled: string[] = []
  readonly emitted: string[] = []
  readonly #open: Entry[] = []

  constructor(queue: AsyncQueue<Entry>) {
    this.queue = queue
  }

  step(step: Step): void {
    if ('add' in step) this.#add(step.add)
    else if ('settle' in step) this.settle(step.settle)
    else this.emit(step.emit)
  }

  #add(what: 'record' | 'watermark'): void {
    const name = `${what === 'record' ? 'r' : 'w'}${this.added.length}`
    this.added.push(name)
    if (what === 'watermark') {
      this.queue.add(new HeldWatermark(this.added.length - 1))
      return
    }
    const entry = { name, isSettled: false }
    this.#open.push(entry)
    this.queue.add(entry)
  }

  settle(nth: number): void {
    if (this.#open.length === 0) return
    const [entry] = this.#open.splice(nth % this.#open.length, 1)
    entry!.isSettled = true
    this.settled.push(entry!.name)
    this.queue.settle(entry!)
  }

  emit(most: number): void {
    for (let i = 0; i < most; i++) {
      const item = this.queue.next()
      if (item === undefined) return
      this.emitted.push(nameOf(item))
      this.queue.take()
    }
  }

  finish(): void {
    while (this.#open.length > 0) this.settle(0)
    this.emit(Infinity)
  }

  get contents(): string[] {
    return [...this.queue.contents()].map(nameOf)
  }
}

function nameOf(item: Entry | HeldWatermark): string {
  return item instanceof HeldWatermark ? `w${item.timestamp}` : item.name
}

/** The names between watermarks. */
function segments(names: readonly string[]): string[][] {
  const parts: string[][] = [[]]
  for (const name of names) {
    if (name.startsWith('w')) parts.push([])
    else parts.at(-1)!.push(name)
  }
  return parts
}

describe.each([
  ['OrderedQueue', () => new OrderedQueue<Entry>()],
  ['UnorderedQueue', () => new UnorderedQueue<Entry>()],
])('%s', (_name, create) => {
  it('holds all that was added and has not left, in the order in which it came (semantics 2.16)', () => {
    fc.assert(
      fc.property(STEPS, (steps) => {
        const run = new Run(create())
        for (const step of steps) {
          run.step(step)
          const left = run.added.filter((name) => !run.emitted.includes(name))
          expect(run.contents).toEqual(left)
          expect(run.queue.size).toBe(left.length)
        }
        run.finish()
        expect(run.contents).toEqual([])
        expect([...run.emitted].sort()).toEqual([...run.added].sort())
      }),
    )
  })

  it('lets nothing go that is not settled', () => {
    fc.assert(
      fc.property(STEPS, (steps) => {
        const run = new Run(create())
        for (const step of steps) {
          run.step(step)
          for (const name of run.emitted) {
            expect(name.startsWith('w') || run.settled.includes(name)).toBe(true)
          }
        }
      }),
    )
  })
})

describe('OrderedQueue', () => {
  it('lets everything go in the order in which it came (semantics 2.16)', () => {
    fc.assert(
      fc.property(STEPS, (steps) => {
        const run = new Run(new OrderedQueue())
        for (const step of steps) run.step(step)
        run.finish()
        expect(run.emitted).toEqual(run.added)
      }),
    )
  })
})

describe('UnorderedQueue', () => {
  it('lets no record cross a watermark, whatever is settled first (semantics 2.16)', () => {
    fc.assert(
      fc.property(STEPS, (steps) => {
        const run = new Run(new UnorderedQueue())
        for (const step of steps) run.step(step)
        run.finish()
        const watermarks = (names: readonly string[]) =>
          names.filter((name) => name.startsWith('w'))
        expect(watermarks(run.emitted)).toEqual(watermarks(run.added))
        const sorted = (names: readonly string[]) => segments(names).map((part) => [...part].sort())
        expect(sorted(run.emitted)).toEqual(sorted(run.added))
      }),
    )
  })

  it('lets records between two watermarks go in the order in which they were settled (semantics 2.16)', () => {
    fc.assert(
      fc.property(STEPS, (steps) => {
        const run = new Run(new UnorderedQueue())
        for (const step of steps) run.step(step)
        run.finish()
        for (const part of segments(run.emitted)) {
          expect(part).toEqual(run.settled.filter((name) => part.includes(name)))
        }
      }),
    )
  })

  it('lets a settled record of the first segment go at once, though one before it is open', () => {
    const run = new Run(new UnorderedQueue())
    for (let i = 0; i < 3; i++) run.step({ add: 'record' })
    run.settle(2)
    run.emit(5)
    expect(run.emitted).toEqual(['r2'])
  })
})
