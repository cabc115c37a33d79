import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../testing/manual-clock.ts'
import { SimulatedWorld } from '../../testing/simulated-world.ts'

/** Three threads that send each other numbers until they have 20 each. */
async function chatter(seed: number): Promise<{ trace: readonly string[]; heard: number[][] }> {
  const world = new SimulatedWorld(seed)
  const threads = ['a', 'b', 'c'].map((name) => world.thread(name))
  const heard: number[][] = [[], [], []]
  let sent = 0
  for (const [index, from] of threads.entries()) {
    const to = threads[(index + 1) % 3]!
    const [left, right] = world.portPair<number, never>(`${from.name}${to.name}`, from, to)
    right.onMessage((number) => heard[index]!.push(number))
    for (let i = 0; i < 20; i++) from.clock.nextTurn(() => left.post(sent++))
  }
  expect(await world.run(() => heard.every((list) => list.length === 20))).toBe(true)
  return { trace: world.trace, heard }
}

describe('SimulatedWorld', () => {
  it('does the same for the same seed, and something else for another (R40)', async () => {
    const [one, again, other] = [await chatter(1), await chatter(1), await chatter(2)]
    expect(again).toEqual(one)
    expect(other.trace).not.toEqual(one.trace)
  })

  it('keeps the order of each port (R10)', async () => {
    const { heard } = await chatter(3)
    for (const list of heard) expect(list).toEqual([...list].sort((a, b) => a - b))
  })

  it('moves time with turns, and jumps to the next timer when nothing else is left', async () => {
    const world = new SimulatedWorld(1, new ManualClock(1_000))
    const { clock } = world.thread('a')
    const log: number[] = []
    clock.schedule(500, () => log.push(clock.now()))
    clock.schedule(100, () => log.push(clock.now()))
    clock.schedule(200, () => log.push(-1))()
    clock.nextTurn(() => log.push(clock.now()))
    await world.run(() => log.length === 3)
    expect(log).toEqual([1_001, 1_100, 1_500])
  })

  it('tells when nothing is left to do', async () => {
    expect(await new SimulatedWorld(1).run(() => false, 0)).toBe(false)
  })

  it('waits for the real world, however many turns that takes', async () => {
    let turns = 0
    const turn = (): void => {
      if (++turns < 20_000) setImmediate(turn)
    }
    turn()
    expect(await new SimulatedWorld(1).run(() => turns === 20_000)).toBe(true)
  })

  it('lets no time pass while a file is being read', async () => {
    const world = new SimulatedWorld(1, new ManualClock(1_000))
    const { clock } = world.thread('a')
    let text = ''
    clock.schedule(500, () => (text += 'time passed'))
    void readFile('LICENSE', 'utf8').then((read) => (text += read))
    await world.run(() => text !== '')
    expect([text.trim().slice(0, 14), clock.now()]).toEqual(['Apache License', 1_000])
  })

  it('drops what belongs to a thread that has ended, and what it sends', async () => {
    const world = new SimulatedWorld(1)
    const [a, b] = [world.thread('a'), world.thread('b')]
    const [left, right] = world.portPair<string, string>('ab', a, b)
    const log: string[] = []
    left.onMessage((text) => log.push(text))
    right.onMessage((text) => log.push(text))
    a.clock.nextTurn(() => log.push('turn of a'))
    a.clock.schedule(1, () => log.push('timer of a'))
    left.post('from a')
    right.post('to a')
    a.end()
    left.post('too late')
    right.post('to nobody')
    await world.run(() => false, 0)
    expect(log).toEqual(['from a'])
  })

  it('loses everything in a crash', async () => {
    const world = new SimulatedWorld(1)
    const { clock } = world.thread('a')
    const log: string[] = []
    clock.nextTurn(() => log.push('turn'))
    clock.schedule(1, () => log.push('timer'))
    world.crash()
    clock.nextTurn(() => log.push('later turn'))
    await world.run(() => false, 0)
    expect(log).toEqual([])
  })
})
