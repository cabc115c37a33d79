import { describe, expect, it } from 'vitest'
import type { CheckpointStorage } from '../../runtime/checkpoint/checkpoint-storage.ts'
import { StreamError } from '../../runtime/errors.ts'
import { manifestOf, partOf } from '../harness/checkpoint-fixtures.ts'
import type { Call, Fault } from '../harness/faults.ts'
import { settled } from '../harness/turnstile.ts'
import { type Act, ACTS, expectWhole, type Play, setUp } from './storage-play.ts'
import type { StorageUnderTest } from './storage-under-test.ts'

/** What can happen to one call to what lies below a storage. */
const FAULTS: readonly Fault[] = [
  ...['EIO', 'ENOSPC', 'EACCES', 'EMFILE'].map((code) => ({ kind: 'fails', code }) as const),
  { kind: 'unanswered', code: 'EIO' },
  { kind: 'unanswered', code: 'ETIMEDOUT' },
  { kind: 'torn', code: 'ENOSPC' },
]

/** Of one call, and of that one and all that follow. */
const SPANS = ['one call', 'all calls from one on'] as const

/** Codes with which a storage may fail; damage is for what is damaged, or cannot be read. */
const PASSING = ['MR_CHECKPOINT_FAILED', 'MR_DIRECTORY_UNUSABLE']

/** What a storage must do when what lies below it fails: at whatever call, before it, after it, or halfway. */
export function storageFaultContract(
  create: () => Promise<StorageUnderTest>,
  options: { readonly few: boolean; readonly pins: boolean },
): void {
  describe('when what lies below fails', () => {
    for (const act of ACTS.filter(({ name }) => options.pins || name !== 'pinning')) {
      for (const span of options.few ? SPANS.slice(0, 1) : SPANS) {
        it(`${act.name} tells the file and the way out, and leaves nothing half done: ${span} (R26, R27)`, async () => {
          for (const fault of options.few ? FAULTS.slice(0, 1) : FAULTS) {
            // One call later each time, until it falls behind the last.
            for (let at = 0; await failAt(create, { act, span, fault, at }); at++);
          }
        })
      }
    }
  })
}

/** Whether the act has got to the call that fails. */
async function failAt(
  create: () => Promise<StorageUnderTest>,
  { act, span, fault, at }: { act: Act; span: (typeof SPANS)[number]; fault: Fault; at: number },
): Promise<boolean> {
  const place = await create()
  try {
    const play = await setUp(place.open())
    let isReached = false
    const due = ({ index }: Call): Fault | undefined => {
      if (span === 'one call' ? index !== at : index < at) return undefined
      isReached = true
      return fault
    }
    const where = `${act.name}, ${fault.kind} at call ${at}, ${span}`
    const error = await failureOf(act.run(place.openFaulty({ fault: due }), play))
    if (error !== undefined) expectTold(error, fault, where)
    if (!isReached) expect(error, where).toBeUndefined()
    await expectIntact(place, play, act)
    await expectUsable(place, play, act)
    return isReached
  } finally {
    await place.remove?.()
  }
}

/** What it rejects with, undefined if with nothing. */
async function failureOf(work: Promise<void>): Promise<unknown> {
  try {
    await settled(work)
    return undefined
  } catch (error) {
    return error
  }
}

function expectTold(error: unknown, fault: Fault, where: string): void {
  if (!(error instanceof StreamError)) throw new Error(where, { cause: error })
  const isUnreadable = fault.kind !== 'lost' && fault.code === 'EIO'
  const codes = isUnreadable ? [...PASSING, 'MR_CHECKPOINT_CORRUPT'] : PASSING
  expect(codes, `${where}: ${error.message}`).toContain(error.code)
  expect(error.message.split('; ').length, `${where}: ${error.message}`).toBeGreaterThan(2)
  expect(error.message, where).toContain(error.fields['file'])
}

/** To a process that starts now: what was published is whole, and nothing else is to be seen. */
async function expectIntact(place: StorageUnderTest, play: Play, act: Act): Promise<void> {
  const storage = place.open()
  const ids = await storage.list()
  const must = [1, 2].filter((id) => id !== act.removes)
  expect(ids).toEqual(expect.arrayContaining(must))
  expect([1, 2, act.adds]).toEqual(expect.arrayContaining([...ids]))
  for (const id of ids) await expectWhole(storage, play, id)
}

/** What has failed can be done again, and what the failure left does not stay. */
async function expectUsable(place: StorageUnderTest, play: Play, act: Act): Promise<void> {
  const storage = place.open()
  // The id of a checkpoint that could not be published is spent: nobody tries it again.
  if (act.adds === undefined) await act.run(storage, play)
  await publishNext(storage, play)
  // Its manifest, and the segments of the first two.
  expect(await place.objects.names()).toHaveLength(3)
}

async function publishNext(storage: CheckpointStorage, { segments }: Play): Promise<void> {
  const id = await storage.reserveId(0)
  expect(id).toBeGreaterThan(3)
  const next = manifestOf(id, { subtasks: [partOf(0, segments.slice(0, 2))] })
  await storage.publish(next)
  await storage.retain([next], [])
  expect(await storage.list()).toEqual([id])
  expect(await storage.readManifest(id)).toEqual(next)
}
