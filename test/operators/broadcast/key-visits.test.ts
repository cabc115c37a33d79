import { expect, it } from 'vitest'
import { KeyVisits } from '../../../operators/broadcast/key-visits.ts'

it('visits one state after another, and tells when what comes next has to be read first (R23)', () => {
  const log: string[] = []
  let isRead = false
  const visits = new KeyVisits()
  for (const name of ['a', 'b']) {
    visits.add({
      run: () => {
        if (name === 'a' && !isRead) return false
        log.push(name)
        return true
      },
      get isDone() {
        return log.includes(name)
      },
      get isWaiting() {
        return name === 'a' && !isRead
      },
    })
  }
  expect(visits.run(Infinity, () => true)).toBe(false)
  expect([visits.isOver, visits.isWaiting, log]).toEqual([false, true, []])
  isRead = true
  expect(visits.run(Infinity, () => true)).toBe(true)
  expect([visits.isOver, visits.isWaiting, log]).toEqual([true, false, ['a', 'b']])
})
