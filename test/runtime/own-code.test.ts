import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ownCode } from '../../runtime/own-code.ts'

const counter = (step: number): ((from: number) => number) => {
  let calls = 0
  return (from) => from + step * ++calls
}

describe('ownCode', () => {
  it('does what the function does, for each copy apart', () => {
    const copies = [1, 2].map(() => ownCode(counter, import.meta.url))
    expect(copies[0]).not.toBe(copies[1])
    const counters = copies.map((copy, index) => copy(10 ** index))
    expect(counters.map((count) => [count(0), count(5)])).toEqual([
      [1, 7],
      [10, 25],
    ])
  })

  it('names the module in stack traces', () => {
    const trace = (): (() => string) => {
      return () => new Error('here').stack!
    }
    expect(ownCode(trace, 'file:///some/module.ts')()()).toContain('file:///some/module.ts')
  })

  it('is the function itself where a bundler has put a call of its own into it', () => {
    const __name = <F>(named: F, _name: string): F => named
    const make = (): (() => string) => {
      return __name(() => 'works', 'answer')
    }
    expect(ownCode(make, import.meta.url)).toBe(make)
  })

  it('is the function itself where code may not be generated (N26)', () => {
    const script = fileURLToPath(new URL('./own-code-refused.ts', import.meta.url))
    const said = execFileSync(process.execPath, [
      '--disallow-code-generation-from-strings',
      '--no-warnings',
      script,
    ])
    expect(String(said)).toBe('refuses to generate; the same: works\n')
  })
})
