import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CheckpointStorage } from '../../runtime/checkpoint/checkpoint-storage.ts'
import { expectWhole, type Play, setUp } from './storage-play.ts'
import type { StorageUnderTest } from './storage-under-test.ts'

/** At most so many places of an object are damaged, evenly spread. */
const MOST_PLACES = 60
const FEW_PLACES = 8

/** What a storage must do with what is missing, torn, changed or there twice: find it, name it, and leave the rest whole. */
export function storageDamageContract(
  create: () => Promise<StorageUnderTest>,
  options: { readonly few: boolean },
): void {
  const placesIn = ({ byteLength }: Uint8Array): number[] => {
    const count = Math.min(byteLength, options.few ? FEW_PLACES : MOST_PLACES)
    return Array.from({ length: count }, (_, index) => Math.floor((index * byteLength) / count))
  }
  describe('when something is lost or damaged', () => {
    let place: StorageUnderTest
    let storage: CheckpointStorage
    let play: Play

    beforeEach(async () => {
      place = await create()
      play = await setUp(place.open())
      storage = place.open()
    })
    afterEach(() => place.remove?.())

    /** Damage to the second checkpoint is told with that name, and the first one is whole. */
    const expectDamage = async (name: string): Promise<void> => {
      await expect(expectWhole(storage, play, 2)).rejects.toMatchObject({
        code: 'MR_CHECKPOINT_CORRUPT',
        message: expect.stringContaining(name) as string,
      })
      await expectWhole(storage, play, 1)
    }
    const segmentOf2 = async () => {
      const { file, bytes } = play.segments[1]
      const content = await storage.read(file, 0, bytes)
      return { file, content, name: await objectWith(place, content) }
    }
    const manifestOf2 = async () => {
      const name = await objectWith(place, '"checkpointId":2,')
      return { name, content: await place.objects.read(name) }
    }

    it('a missing segment is named, and there is nothing to look at (R27)', async () => {
      const { file, name } = await segmentOf2()
      await place.objects.remove(name)
      expect(await storage.stat(file)).toBeUndefined()
      await expectDamage(file)
    })

    it('a segment that is torn anywhere is named (R27)', async () => {
      const { file, name, content } = await segmentOf2()
      for (const at of placesIn(content)) {
        await place.objects.write(name, content.slice(0, at))
        await expectDamage(file)
      }
    })

    it('a segment with a wrong bit anywhere is named when it is read (R27)', async () => {
      const { file, name, content } = await segmentOf2()
      for (const at of placesIn(content)) {
        await place.objects.write(name, flipped(content, at))
        await expectDamage(file)
      }
    })

    it('a checkpoint without its manifest is none, and its id stays taken (R1, R26)', async () => {
      const { name } = await manifestOf2()
      await place.objects.remove(name)
      expect(await storage.list()).toEqual([1])
      await expect(storage.readManifest(2)).rejects.toMatchObject({ code: 'MR_CHECKPOINT_CORRUPT' })
      await expectWhole(storage, play, 1)
      expect(await place.open().reserveId(0)).toBeGreaterThan(3)
    })

    it('a manifest that is torn, or has a wrong bit, anywhere is named, and is listed (R27)', async () => {
      const { name, content } = await manifestOf2()
      for (const at of placesIn(content)) {
        for (const bytes of [content.slice(0, at), flipped(content, at)]) {
          await place.objects.write(name, bytes)
          await expectDamage('2')
          expect(await storage.list()).toEqual([1, 2])
        }
      }
    })

    it('the manifest of another checkpoint is not taken for the own one (R1, R27)', async () => {
      const { name } = await manifestOf2()
      const other = await objectWith(place, '"checkpointId":1,')
      await place.objects.write(name, await place.objects.read(other))
      await expectDamage('checkpoint 1')
    })

    it('copies under other names change nothing, and are removed with what nothing names', async () => {
      const { objects } = place
      const before = await objects.names()
      for (const { name, content } of [await segmentOf2(), await manifestOf2()]) {
        await objects.write(name.replace(/(\.[a-z]+)?$/, '-copy$1'), content)
      }
      expect(await objects.names()).toHaveLength(before.length + 2)
      expect(await storage.list()).toEqual([1, 2])
      for (const id of [1, 2]) await expectWhole(storage, play, id)
      await storage.retain(play.manifests.slice(0, 2), [])
      expect(await objects.names()).toEqual(before)
    })
  })
}

/** The only object with that in it. */
async function objectWith(place: StorageUnderTest, content: string | Uint8Array): Promise<string> {
  const found: string[] = []
  for (const name of await place.objects.names()) {
    if (Buffer.from(await place.objects.read(name)).includes(Buffer.from(content))) found.push(name)
  }
  expect(found).toHaveLength(1)
  return found[0]!
}

function flipped(content: Uint8Array, at: number): Uint8Array {
  const bytes = content.slice()
  bytes[at]! ^= 1 << (at % 8)
  return bytes
}
