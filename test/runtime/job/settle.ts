import type { ManualClock } from '../../../testing/manual-clock.ts'

/** Lets everything happen that needs no time, then passes time to the next timer, until the work is over. */
export async function settle<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let isOver = false
  work.then(
    () => (isOver = true),
    () => (isOver = true),
  )
  for (let turn = 0; turn < 500 && !isOver; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    const delay = clock.nextDelay
    if (!isOver && delay !== undefined) clock.advance(delay)
  }
  if (!isOver) throw new Error('it does not end')
  return work
}
