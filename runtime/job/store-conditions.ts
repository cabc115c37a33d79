import { type ObjectPlace, placeIn } from '../checkpoint/object-files.ts'
import { storageFailure } from '../checkpoint/storage-errors.ts'
import { StreamError } from '../errors.ts'
import { WriteConflict, type WriteCondition } from '../object-store.ts'

/**
 * Fails with `MR_AWS_CONDITIONS` where a store writes whatever the condition says, as some that speak the language of S3 do: two runs
 * of a job would then not notice each other. Costs a handful of requests; `name` is that of an object that nobody else uses.
 */
export async function checkConditions(place: ObjectPlace, name: string): Promise<void> {
  const { prefix: key, store, url } = placeIn(place, name)
  const isRefused = async (text: string, condition: WriteCondition): Promise<boolean> => {
    try {
      await store.put(key, Buffer.from(text), { condition })
      return false
    } catch (error) {
      if (error instanceof WriteConflict) return true
      throw error
    }
  }
  try {
    const first = await store.put(key, Buffer.from('first'), { condition: { ifAbsent: true } })
    const again = await isRefused('again', { ifAbsent: true })
    await store.put(key, Buffer.from('second'))
    const stale = await isRefused('stale', { ifEtag: first })
    await store.delete([key])
    const gone = await isRefused('gone', { ifEtag: first })
    if (!gone) await store.delete([key])
    if (again && stale && gone) return
  } catch (error) {
    throw storageFailure(error, { path: url, what: 'The state of the job', verb: 'written' })
  }
  throw new StreamError(
    'MR_AWS_CONDITIONS',
    `The store of ${place.url} writes objects although the condition of the write (If-None-Match, If-Match) does not hold; two runs of this job would both go on, and put output out twice; use S3 or a store that keeps to conditions, or keep the state on a disk (--dir FOLDER).`,
    { url: place.url },
  )
}
