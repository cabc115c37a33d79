import { describe, expect, it } from 'vitest'
import { HeadMoved } from '../../../runtime/checkpoint/head-moved.ts'
import { startRounds } from '../../../runtime/job/start-rounds.ts'

/** A job that another run changes during that many checks. */
function homeOf(changes: number) {
  const looks: boolean[] = []
  let isTaken = false
  return {
    looks,
    hasMoved: async () => !isTaken && looks.length < changes,
    lookAgain: async ({ takes }: { readonly takes: boolean }) => {
      looks.push(takes)
      isTaken = takes
    },
  }
}

describe('startRounds', () => {
  it('starts once where nothing moves, and tells why it was refused', async () => {
    const home = homeOf(0)
    expect(await startRounds(home, async () => 'ended')).toBe('ended')
    const refused = startRounds(home, () => Promise.reject(new Error('output in the way')))
    await expect(refused).rejects.toThrow('output in the way')
    expect(home.looks).toEqual([])
  })

  it('checks again what was refused, or ready, while another run went on', async () => {
    const home = homeOf(4)
    const failures = [
      new Error('its file is missing'),
      new HeadMoved(false),
      new HeadMoved(true),
      new Error('its file is missing'),
    ]
    const start = async () => {
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      return 'ended'
    }
    expect(await startRounds(home, start)).toBe('ended')
    expect(home.looks).toEqual([false, false, false, false])
  })

  it('takes nothing for a start that is refused again and again', async () => {
    const home = homeOf(Infinity)
    const refused = startRounds(home, () => Promise.reject(new Error('output in the way')))
    await expect(refused).rejects.toThrow('output in the way')
    expect(home.looks).toEqual([false, false])
  })

  it('takes the job first where it was ready twice', async () => {
    const home = homeOf(Infinity)
    let checks = 0
    const start = async () => {
      checks++
      if (home.looks.at(-1) !== true) throw new HeadMoved(true)
      throw new Error('the disk is full')
    }
    await expect(startRounds(home, start)).rejects.toThrow('the disk is full')
    expect(home.looks).toEqual([false, true])
    expect(checks).toBe(3)
  })
})
