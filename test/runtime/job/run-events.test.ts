import { describe, expect, it, vi } from 'vitest'
import { RunEvents } from '../../../runtime/job/run-events.ts'

const note = { type: 'note', message: 'm' } as const

describe('events of a run', () => {
  it('hands events over until a callback throws, and tells that once', () => {
    const failures: Error[] = []
    const onEvent = vi.fn(() => {
      if (onEvent.mock.calls.length === 2) throw new TypeError('broken callback')
    })
    const events = new RunEvents({ onEvent }, (error) => failures.push(error))
    for (let i = 0; i < 4; i++) events.emit(note)
    expect(onEvent).toHaveBeenCalledTimes(2)
    expect(failures.map((error) => error.message)).toEqual(['broken callback'])
    expect(events.failure).toBe(failures[0])
  })

  it('takes a rejected promise of a callback for a failure', async () => {
    const failures: Error[] = []
    const onEvent = () => Promise.reject(new Error('later')) as unknown as void
    const events = new RunEvents({ onEvent }, (error) => failures.push(error))
    events.emit(note)
    await Promise.resolve().then(() => {})
    expect(failures.map((error) => error.message)).toEqual(['later'])
  })

  it('prints by its own callback, which may hold lines up, and as events without it', async () => {
    let free!: () => void
    const print = vi.fn(() => new Promise<void>((resolve) => (free = resolve)))
    const onEvent = vi.fn()
    const events = new RunEvents({ onEvent, print }, () => {})
    const printing = events.print('p', 'a\n')
    expect(printing).toBeInstanceOf(Promise)
    free()
    await printing
    expect(onEvent).not.toHaveBeenCalled()
    expect(new RunEvents({ onEvent }, () => {}).print('p', 'b\n')).toBeUndefined()
    expect(onEvent).toHaveBeenCalledWith({ type: 'print', uid: 'p', lines: 'b\n' })
  })
})
