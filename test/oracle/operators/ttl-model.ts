import type { Event } from '../event.ts'
import type { Row, TimedEvent } from '../oracle-operator.ts'
import type { KeyModel } from './keyed-model.ts'

/** Which states an event changes, after it was shown what is there. */
export function changesOf({ id, n }: Event) {
  const kind = (id * 7 + n + 20) % 6
  return {
    clears: id % 17 === 3,
    value: kind === 0,
    list: kind === 1 || kind === 5,
    map: kind === 2 || kind === 5,
    reduced: kind === 3,
    folded: kind === 4,
  }
}

/** A value, and the time of its last access. */
interface Aged {
  readonly value: number
  readonly at: number
}

/** What a key has in the five states: aged values, gone once the watermark has reached their last access plus their time. */
export class TtlModel implements KeyModel {
  readonly #ttlMs: number
  readonly #isRenewedByReads: boolean
  #value: Aged | undefined
  #list: readonly Aged[] = []
  #map: ReadonlyMap<number, Aged> = new Map()
  #reduced: Aged | undefined
  #folded: Aged | undefined

  constructor(ttlMs: number, isRenewedByReads: boolean) {
    this.#ttlMs = ttlMs
    this.#isRenewedByReads = isRenewedByReads
  }

  add(event: TimedEvent): readonly Row[] {
    this.#read(event)
    const entries = [...this.#map].sort(([a], [b]) => a - b)
    const row = [
      event.keyText,
      event.id,
      this.#value?.value ?? null,
      this.#list.map(({ value }) => value).join(),
      entries.map(([key, { value }]) => `${key}:${value}`).join(),
      this.#reduced?.value ?? null,
      this.#folded === undefined ? null : -this.#folded.value,
      event.t,
    ]
    this.#change(event)
    return [row]
  }

  #read({ t, watermark }: TimedEvent): void {
    const isThere = (aged: Aged): boolean => aged.at + this.#ttlMs > watermark
    const read = (aged: Aged): Aged =>
      this.#isRenewedByReads ? { ...aged, at: Math.max(aged.at, t) } : aged
    const one = (aged: Aged | undefined): Aged | undefined =>
      aged !== undefined && isThere(aged) ? read(aged) : undefined
    this.#value = one(this.#value)
    this.#reduced = one(this.#reduced)
    this.#folded = one(this.#folded)
    this.#list = this.#list.filter(isThere).map(read)
    this.#map = new Map(
      [...this.#map].flatMap(([key, aged]) => (isThere(aged) ? [[key, read(aged)] as const] : [])),
    )
  }

  #change(event: TimedEvent): void {
    const { id, n, t, watermark } = event
    const changes = changesOf(event)
    if (changes.clears) {
      this.#value = this.#reduced = this.#folded = undefined
      this.#list = []
      this.#map = new Map()
    }
    // A late record does not make expire sooner what a newer one has used.
    const aged = (before: Aged | undefined, value: number): Aged =>
      before !== undefined && before.at + this.#ttlMs > watermark
        ? { value, at: Math.max(before.at, t) }
        : { value, at: t }
    if (changes.value) this.#value = aged(this.#value, id)
    if (changes.list) this.#list = [...this.#list, { value: id, at: t }]
    if (changes.map) this.#map = new Map([...this.#map, [n + 20, aged(this.#map.get(n + 20), id)]])
    if (changes.reduced) this.#reduced = aged(this.#reduced, (this.#reduced?.value ?? 0) + n)
    if (changes.folded) this.#folded = aged(this.#folded, (this.#folded?.value ?? 0) + n)
  }
}
