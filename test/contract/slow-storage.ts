import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SeededRandom } from '../../runtime/clock.ts'
import { manifestOf } from '../harness/checkpoint-fixtures.ts'
import { Turnstile } from '../harness/turnstile.ts'
import { expectSegment, expectWhole, type Play, setUp, someSegment } from './storage-play.ts'
import type { StorageUnderTest } from './storage-under-test.ts'

const SEEDS = Array.from({ length: 8 }, (_, seed) => seed)

/** What a storage must do when calls to what lies below it take long, and overtake each other. */
export function slowStorageContract(
  create: () => Promise<StorageUnderTest>,
  options: { readonly few: boolean; readonly pins: boolean },
): void {
  describe.each(options.few ? SEEDS.slice(0, 2) : SEEDS)(
    'when calls are slow and overtake each other (seed %i)',
    (seed) => {
      let place: StorageUnderTest
      let play: Play
      let turnstile: Turnstile

      beforeEach(async () => {
        place = await create()
        play = await setUp(place.open())
        turnstile = new Turnstile(new SeededRandom(seed))
      })
      afterEach(() => place.remove?.())

      const openSlow = () => place.openFaulty({ pace: turnstile.pace() })

      it('a checkpoint is to be seen whole or not at all, while segments are written (R26)', async () => {
        const writing = [1, 2, 3].map((index) => someSegment(openSlow(), 3, `counts-${index}-1`))
        const publishing = openSlow().publish(play.manifests[2])
        const looking = [1, 2, 3].map(async () => {
          const storage = openSlow()
          const ids = await storage.list()
          expect([1, 2, 3]).toEqual(expect.arrayContaining([...ids]))
          expect(ids).toEqual(expect.arrayContaining([1, 2]))
          for (const id of ids) await expectWhole(storage, play, id)
        })
        const segments = await turnstile.until(Promise.all(writing))
        await turnstile.until(Promise.all([publishing, ...looking]))
        const storage = place.open()
        for (const segment of segments) await expectSegment(storage, segment, 3)
        await expectWhole(storage, play, 3)
        expect(await storage.list()).toEqual([1, 2, 3])
      })

      it('ids are given once, and a checkpoint is published once, whoever is faster (R1, R26)', async () => {
        const ids = await turnstile.until(
          Promise.all([1, 2, 3, 4].map(() => openSlow().reserveId(0))),
        )
        expect(new Set([1, 2, 3, ...ids]).size).toBe(7)
        const jobs = ['one', 'other']
        const publishing = jobs.map((job) => openSlow().publish(manifestOf(3, { job })))
        const ends = await turnstile.until(Promise.allSettled(publishing))
        const winners = jobs.filter((_, index) => ends[index]!.status === 'fulfilled')
        expect(winners).toEqual([(await place.open().readManifest(3)).job])
      })

      it('what is removed meanwhile is read whole or is missing, and stays readable where it was pinned (R27, R28)', async () => {
        const { file, bytes } = play.segments[0]
        const content = await place.open().read(file, 0, bytes)
        const pinned = options.pins ? await turnstile.until(openSlow().pin!(file)) : undefined
        const alone = manifestOf(await place.open().reserveId(0))
        await place.open().publish(alone)
        const reading = [1, 2].map(async () => {
          try {
            expect(await openSlow().read(file, 0, bytes)).toEqual(content)
          } catch (error) {
            expect(error).toMatchObject({ code: 'MR_CHECKPOINT_CORRUPT' })
          }
        })
        const retaining = openSlow().retain([alone], [])
        await turnstile.until(Promise.all([...reading, retaining]))
        expect(await place.open().stat(file)).toBeUndefined()
        if (pinned === undefined) return
        const target = new Uint8Array(bytes)
        pinned.readSync(0, target)
        expect(Buffer.compare(target, content)).toBe(0)
        expect(await turnstile.until(pinned.read(0, bytes))).toEqual(content)
        await turnstile.until(pinned.close())
      })

      it('nobody waits for a call that is not answered', async () => {
        let calls = 0
        const stuck = place.openFaulty({ pace: turnstile.pace(() => ++calls === seed + 1) })
        const id = await place.open().reserveId(0)
        const waiting = someSegment(stuck, id, 'counts-1-1')
        const publishing = openSlow().publish(play.manifests[2])
        await turnstile.until(publishing)
        await turnstile.until(openSlow().retain(play.manifests.slice(1), []))
        await expectWhole(place.open(), play, 3)
        turnstile.free()
        await expectSegment(place.open(), await turnstile.until(waiting), id)
      })
    },
  )
}
