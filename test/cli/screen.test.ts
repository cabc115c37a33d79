import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Screen } from '../../cli/screen.ts'
import { FakeStream } from './fake-host.ts'

function terminal(columns = 40) {
  const stdout = new FakeStream(columns)
  const stderr = new FakeStream(columns)
  // One screen: both streams end up in the same place.
  stdout.write = (text) => stderr.write(text)
  return { screen: new Screen(stdout, stderr, true), stderr }
}

describe('Screen', () => {
  it('rewrites the live line in place', () => {
    const { screen, stderr } = terminal()
    screen.setStatus('1,000 records/s')
    screen.setStatus('12 records/s')
    expect(stderr.lines).toEqual(['12 records/s'])
    screen.clearStatus()
    expect(stderr.lines).toEqual([''])
  })

  it('takes a terminal that says it has no columns for one of the usual width', () => {
    expect(terminal(0).screen.columns).toBe(79)
    expect(terminal(40).screen.columns).toBe(39)
  })

  it('puts log lines and printed data above the live line (N16)', () => {
    const { screen, stderr } = terminal()
    screen.setStatus('live')
    screen.log('[map #0] hello')
    void screen.print('{"a":1}\n{"a":2}\n')
    screen.setStatus('alive')
    screen.log('a line that is longer than the live one')
    expect(stderr.lines).toEqual([
      '[map #0] hello',
      '{"a":1}',
      '{"a":2}',
      'a line that is longer than the live one',
      'alive',
    ])
  })

  it('does not write into a printed line that has not ended', () => {
    const { screen, stderr } = terminal()
    screen.setStatus('live')
    void screen.print('half of ')
    screen.setStatus('still live')
    void screen.print('a line\n')
    expect(stderr.lines).toEqual(['half of a line', 'still live'])
  })

  it('writes no control character but the carriage return, and none without a live line', () => {
    const { screen, stderr } = terminal()
    const plain = new FakeStream()
    const scrolling = new Screen(new FakeStream(), plain, true)
    for (const one of [screen, scrolling]) {
      one.setStatus('live')
      one.log('line')
      one.clearStatus()
    }
    expect(stderr.text).not.toMatch(/[\x00-\x09\x0b\x0c\x0e-\x1f]/)
    expect(plain.text).toBe('line\n')
    expect(scrolling.isLive).toBe(false)
  })

  it('leaves stdout alone where it is no terminal', () => {
    const stdout = new FakeStream()
    const stderr = new FakeStream(40)
    const screen = new Screen(stdout, stderr, true)
    screen.setStatus('live')
    const before = stderr.text
    void screen.print('data\n')
    expect(stdout.text).toBe('data\n')
    expect(stderr.text).toBe(before)
  })

  it('lets the writer wait until stdout has room again (N16)', async () => {
    const stdout = new FakeStream()
    const screen = new Screen(stdout, new FakeStream(), false)
    expect(screen.print('fits\n')).toBeUndefined()
    stdout.isFull = true
    let hasRoom = false
    const waiting = screen.print('does not\n')!.then(() => (hasRoom = true))
    await Promise.resolve()
    expect(hasRoom).toBe(false)
    stdout.drain()
    await waiting
    expect(hasRoom).toBe(true)
  })

  it('shows every logged line whole and in order, whatever the live line does', () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '·'), maxLength: 30 })
    const step = fc.oneof(
      fc.record({ log: line }),
      fc.record({ status: line }),
      fc.record({ print: line }),
    )
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const { screen, stderr } = terminal()
        const expected: string[] = []
        for (const one of steps) {
          if ('status' in one) screen.setStatus(one.status)
          else if ('log' in one) screen.log(one.log)
          else void screen.print(`${one.print}\n`)
          if ('log' in one) expected.push(one.log.trimEnd())
          if ('print' in one) expected.push(one.print.trimEnd())
        }
        screen.clearStatus()
        expect(stderr.lines).toEqual([...expected, ''])
      }),
    )
  })
})
