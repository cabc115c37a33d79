import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Fifo } from '../../../operators/async/fifo.ts'

it('is an array that only loses its first element', () => {
  const step = fc.oneof(fc.constant('push' as const), fc.constant('shift' as const))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const fifo = new Fifo<number>()
      const model: number[] = []
      for (const [index, what] of steps.entries()) {
        if (what === 'push') {
          fifo.push(index)
          model.push(index)
        } else expect(fifo.shift()).toBe(model.shift())
        expect([fifo.size, fifo.first, fifo.last]).toEqual([model.length, model[0], model.at(-1)])
      }
      expect([...fifo]).toEqual(model)
    }),
  )
})

it('gives its places back', () => {
  const fifo = new Fifo<number>()
  for (let i = 0; i < 1_000; i++) fifo.push(i)
  for (let i = 0; i < 1_000; i++) expect(fifo.shift()).toBe(i)
  expect([fifo.size, fifo.first, fifo.last, fifo.shift()]).toEqual([
    0,
    undefined,
    undefined,
    undefined,
  ])
})
