import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineSplitter } from '../../../runtime/job/console-capture.ts'

describe('line splitter', () => {
  it('hands over whole lines, however the text was cut (N16)', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'bc', '\n', 'd\ne', '')), (pieces) => {
        const lines: string[] = []
        const splitter = new LineSplitter((line) => lines.push(line))
        for (const piece of pieces) splitter.push(piece)
        expect(lines).toEqual(pieces.join('').split('\n').slice(0, -1))
      }),
    )
  })

  it('does not keep an endless line', () => {
    const lines: string[] = []
    const splitter = new LineSplitter((line) => lines.push(line))
    for (let i = 0; i < 30; i++) splitter.push('x'.repeat(1_000))
    expect(lines.map((line) => line.length)).toEqual([11_000, 11_000])
  })
})
