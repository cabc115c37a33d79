import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeldWatermark } from '../../../operators/async/async-queue.ts'
import { type HeldRecord, restoreHeld, storeHeld } from '../../../operators/async/async-state.ts'

type Item = HeldRecord | HeldWatermark

/** Records as letters, watermarks as numbers. */
function itemsOf(text: string): Item[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) =>
      Number.isNaN(Number(word))
        ? { value: word, timestamp: 0, keyGroup: undefined }
        : new HeldWatermark(Number(word)),
    )
}

function shown(items: readonly Item[]): string {
  return items
    .map((item) => (item instanceof HeldWatermark ? item.timestamp : item.value))
    .join(' ')
}

/** What the parts of several subtasks become in one that gets all of them. */
function merged(watermark: number, ...parts: readonly (readonly [number, string])[]): string {
  const held = parts.flatMap(([forwarded, text]) => storeHeld(forwarded, itemsOf(text))?.held ?? [])
  const { forwarded, items } = restoreHeld({ held }, watermark)
  return `${forwarded}: ${shown(items)}`
}

describe('What an asynchronous function holds in a checkpoint', () => {
  it('is what it was in the subtask that it came from (semantics 2.16)', () => {
    expect(merged(9, [3, 'a b 5 c 9'])).toBe('3: a b 5 c 9')
    expect(merged(9, [-Infinity, 'a 9'])).toBe('-Infinity: a 9')
    expect(merged(5, [3, '5 a'])).toBe('5: a')
    expect(merged(5, [3, '5'])).toBe('5: ')
    expect(merged(-Infinity, [-Infinity, 'a'])).toBe('-Infinity: a')
  })

  it('is behind the watermark that it was behind in whatever company it is restored (R12)', () => {
    expect(merged(9, [3, 'a 5 b 9'], [4, 'c 5 9 d'])).toBe('3: a 4 c 5 b 9 d')
    expect(merged(9, [9, 'a'], [9, 'b'])).toBe('9: a b')
  })

  it('is behind no higher watermark than the lowest of its subtasks (R12)', () => {
    expect(merged(4, [3, 'a 5 b 9'], [4, 'c'])).toBe('3: a 4 b c')
    expect(merged(-Infinity, [3, 'a 5 b'], [-Infinity, 'c'])).toBe('-Infinity: a b c')
  })

  it('keeps the order of each subtask, whatever it is merged with (R10)', () => {
    const words = fc.constantFrom('a', 'b', 'c', 'up')
    const part = fc.array(words, { minLength: 5, maxLength: 30, size: 'max' })
    fc.assert(
      fc.property(fc.array(part, { minLength: 2, maxLength: 4 }), (parts) => {
        const texts = parts.map((list, index) => {
          let watermark = 0
          return list.map((word, at) =>
            word === 'up' ? `${(watermark += index + 1)}` : `${word}/${index}/${at}`,
          )
        })
        const held = texts.flatMap((list) => storeHeld(0, itemsOf(list.join(' ')))?.held ?? [])
        const { items } = restoreHeld({ held }, 1_000)
        const watermarks = items.filter((item) => item instanceof HeldWatermark)
        const times = watermarks.map(({ timestamp }) => timestamp)
        expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
        for (const [index, list] of texts.entries()) {
          const own = shown(items)
            .split(' ')
            .filter((word) => word.split('/')[1] === `${index}`)
          expect(own).toEqual(list.filter((word) => word.includes('/')))
        }
      }),
    )
  })
})
