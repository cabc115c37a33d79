import { describe, expect, it } from 'vitest'
import { encodeKey } from '../../../runtime/key-encoding.ts'
import { SpillFilter } from '../../../runtime/state/spill-filter.ts'

function has(filter: SpillFilter, key: string): boolean {
  const bytes = encodeKey(key)
  return filter.mightHold(bytes, bytes.length)
}

function fill(filter: SpillFilter, count: number): void {
  for (let i = 0; i < count; i++) {
    const bytes = encodeKey(`key ${i}`)
    filter.add(bytes, bytes.length)
  }
}

/** Of so many keys that were added: how many are missing, and how many others seem to be there. */
function errorsOf(filter: SpillFilter, count: number): { missing: number; wrong: number } {
  let missing = 0
  let wrong = 0
  for (let i = 0; i < count; i++) {
    if (!has(filter, `key ${i}`)) missing++
    if (has(filter, `other ${i}`)) wrong++
  }
  return { missing, wrong }
}

describe('SpillFilter', () => {
  it('finds every key that was added, and hardly any other', () => {
    const filter = new SpillFilter(10_000_000)
    expect(has(filter, 'key 0')).toBe(false)
    fill(filter, 60_000)
    const { missing, wrong } = errorsOf(filter, 60_000)
    expect(missing).toBe(0)
    expect(wrong / 60_000).toBeLessThan(0.03)
    expect(filter.byteLength).toBeLessThan(400_000)
  })

  it('tells more within its limit where it is known how many keys come', () => {
    const filter = new SpillFilter(60_000, 60_000)
    fill(filter, 60_000)
    expect(filter.byteLength).toBe(60_000)
    const { missing, wrong } = errorsOf(filter, 60_000)
    expect(missing).toBe(0)
    expect(wrong / 60_000).toBeLessThan(0.04)
  })

  it('keeps within its limit, and still finds every key', () => {
    const filter = new SpillFilter(20_000)
    fill(filter, 60_000)
    expect(filter.byteLength).toBeLessThanOrEqual(20_000)
    let missing = 0
    for (let i = 0; i < 60_000; i++) if (!has(filter, `key ${i}`)) missing++
    expect(missing).toBe(0)
  })
})
