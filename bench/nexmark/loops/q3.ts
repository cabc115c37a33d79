import type { LoopFactory } from '../loop.ts'
import type { Person } from '../model.ts'

export const q3: LoopFactory = (emit) => {
  const sellers = new Map<number, Person>()
  /** Auctions of those who have not registered yet, by seller. */
  const waiting = new Map<number, number[]>()
  let newestPerson = -1
  return {
    read(events, { persons, auctions }) {
      for (const event of events) {
        if (event.kind === 'auction') {
          if (event.category !== 10) continue
          const seller = event.seller + persons
          const id = event.id + auctions
          if (seller > newestPerson) {
            const others = waiting.get(seller)
            if (others === undefined) waiting.set(seller, [id])
            else others.push(id)
            continue
          }
          const person = sellers.get(seller)
          if (person !== undefined) emit(person.name, person.city, person.state, id)
        } else if (event.kind === 'person') {
          newestPerson = event.id + persons
          const { name, city, state } = event
          const isWanted = state === 'OR' || state === 'ID' || state === 'CA'
          if (isWanted) sellers.set(newestPerson, event)
          const ids = waiting.get(newestPerson)
          if (ids === undefined) continue
          waiting.delete(newestPerson)
          if (isWanted) for (const auction of ids) emit(name, city, state, auction)
        }
      }
    },
    end() {},
  }
}
