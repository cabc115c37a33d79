import { describe, expect, it } from 'vitest'
import { checkConditions } from '../../../runtime/job/store-conditions.ts'
import type { WriteOptions } from '../../../runtime/object-store.ts'
import { MemoryObjectStore } from '../../harness/memory-object-store.ts'
import { jobPlace } from '../../harness/object-storage.ts'

/** As some stand-ins for S3 do. */
class Careless extends MemoryObjectStore {
  readonly #ignored: string

  constructor(ignored: 'ifAbsent' | 'ifEtag') {
    super()
    this.#ignored = ignored
  }

  override put(key: string, body: Uint8Array, options: WriteOptions = {}): Promise<string> {
    const { condition = {}, ...rest } = options
    return this.#ignored in condition ? super.put(key, body, rest) : super.put(key, body, options)
  }
}

describe('the conditions of a store', () => {
  it.each(['ifAbsent', 'ifEtag'] as const)(
    'a store that ignores %s is refused',
    async (ignored) => {
      const store = new Careless(ignored)
      await expect(checkConditions(jobPlace(store), 'probe')).rejects.toMatchObject({
        code: 'MR_AWS_CONDITIONS',
        message: expect.stringContaining('s3://bucket/fraud') as string,
      })
      expect(await store.head('fraud/probe')).toBeUndefined()
    },
  )

  it('one that looks at them is not, and nothing is left', async () => {
    const store = new MemoryObjectStore()
    await checkConditions(jobPlace(store), 'probe')
    expect(await store.head('fraud/probe')).toBeUndefined()
  })
})
