import { expect, it } from 'vitest'
import { encodeKey } from '../../../runtime/key-encoding.ts'
import { Spill } from '../../../runtime/state/spill.ts'
import { SlowStore } from '../../harness/slow-store.ts'

it('asks the store for no key that is loaded first, however many have been loaded (R28)', async () => {
  const store = new SlowStore()
  const spill = new Spill({
    store,
    maxPendingBytes: Infinity,
    maxFilterBytes: 0,
    landed() {},
    isInBase: () => false,
    wake() {},
    fail(error) {
      throw error
    },
  })
  await spill.beginLoading(50_000)
  const value = Uint8Array.of(1)
  let known = 0
  for (let i = 0; i < 50_000; i++) {
    const key = encodeKey(`key ${i}`)
    if (spill.knows(key)) known++
    spill.put(key, value)
    if (i % 1_000 === 0) await store.land()
  }
  expect({ known, reads: store.reads }).toEqual({ known: 0, reads: 0 })
  spill.endLoading()
  const closing = spill.close()
  await store.land()
  await closing
})
