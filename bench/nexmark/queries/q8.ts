import { type AggregateFunction, type Out, tumblingEventTimeWindows } from 'millrace'
import { auctionsOf, personsOf } from '../events.ts'
import type { Query } from '../query.ts'

/** A person who registered has a name, one who opened an auction has none here. */
interface Deed {
  readonly id: number
  readonly name: string
}

interface Deeds {
  readonly name: string
  readonly isSeller: boolean
}

interface Row {
  readonly id: number
  readonly name: string
  readonly ws: number
}

/**
 * The persons who registered and opened an auction within the same ten seconds.
 *
 * A join would keep every auction of a seller until the window ends; both streams as one need to know only that there was one.
 */
export const query: Query<Row> = (events) => {
  const registered = personsOf(events).map(({ id, name }): Deed => ({ id, name }))
  const opened = auctionsOf(events).map(({ seller }): Deed => ({ id: seller, name: '' }))
  return registered
    .union(opened)
    .keyBy((deed) => deed.id)
    .window(tumblingEventTimeWindows('10s'))
    .aggregate(
      deeds,
      ({ name, isSeller }, { key, window }, out: Out<Row>) => {
        if (isSeller && name !== '') out.emit({ id: key, name, ws: window.start })
      },
      { uid: 'new-sellers' },
    )
}

const deeds: AggregateFunction<Deed, Deeds, Deeds> = {
  create: () => ({ name: '', isSeller: false }),
  add: (before, { name }) =>
    name === '' ? { name: before.name, isSeller: true } : { name, isSeller: before.isSeller },
  result: (all) => all,
}
