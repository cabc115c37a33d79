import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LocalMerger } from '../../../runtime/checkpoint/segment-merger.ts'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import { MAX_CHAIN } from '../../../runtime/checkpoint/fold-plan.ts'
import type { CheckpointManifest, SegmentReference } from '../../../runtime/checkpoint/manifest.ts'
import { mergeSegments } from '../../../runtime/checkpoint/merge.ts'
import {
  chainKey,
  SegmentChains,
  type SegmentChainsOptions,
} from '../../../runtime/checkpoint/segment-chains.ts'
import { openSegment } from '../../../runtime/checkpoint/segment-reader.ts'
import { writeSegment } from '../../../runtime/checkpoint/segment-writer.ts'
import type { StateEntry } from '../../../runtime/state/state-backend.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import {
  clear,
  continuingOf,
  manifestOf,
  partOf,
  put,
  remove,
  show,
} from '../../harness/checkpoint-fixtures.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'
import { changed, CoordinatorRun, settle } from './coordinator-kit.ts'

const KEY = chainKey('counts', 0)

/** A job with one subtask that writes `size` bytes with each checkpoint, without a coordinator. */
class OneChain {
  readonly fileSystem = new FaultFileSystem(['/storage'])
  readonly storage = createFileStorage({ directory: '/storage', fileSystem: this.fileSystem })
  readonly clock = new ManualClock()
  readonly damages: Error[] = []
  readonly expected = new Map<string, string>()
  chains: SegmentChains
  newest: CheckpointManifest | undefined
  id = 0

  constructor(options: Partial<SegmentChainsOptions> = {}) {
    this.chains = this.open(options)
  }

  open(options: Partial<SegmentChainsOptions>): SegmentChains {
    return new SegmentChains({
      storage: this.storage,
      merger: new LocalMerger(this.storage, this.clock),
      base: undefined,
      continuing: continuingOf(options.base),
      keptIds: [],
      retained: 3,
      pinnedFiles: () => [],
      onDamage: (error) => this.damages.push(error),
      ...options,
    })
  }

  /** Takes a checkpoint in which one key has changed, or is new; housekeeping is left to the test. */
  async checkpoint(size = 10): Promise<CheckpointManifest> {
    const next = this.id + 1
    const key = next % 7 === 1 ? `once-${next}` : `key-${next % 5}`
    const value = String(next).padEnd(size, '.')
    if (size > 0) this.expected.set(key, value)
    return this.take(size > 0 ? [put(1, key, value)] : [])
  }

  /** Takes a checkpoint with these changes. */
  async take(entries: readonly StateEntry[]): Promise<CheckpointManifest> {
    this.id = await this.storage.reserveId(this.id)
    const segment = await writeSegment(this.storage, this.id, 'counts-0-1', entries)
    const manifest = manifestOf(this.id, {
      subtasks: [partOf(0, this.chains.extend(KEY, segment))],
    })
    await this.storage.publish(manifest)
    this.chains.adopt(manifest)
    this.newest = manifest
    return manifest
  }

  chainOf(manifest: CheckpointManifest) {
    return manifest.subtasks[0]!.segments
  }

  async check(manifest: CheckpointManifest): Promise<void> {
    const chain = this.chainOf(manifest)
    const readers = await Promise.all(chain.map((one) => openSegment(this.storage, one)))
    const lines: string[] = []
    const range = { first: 0, last: 127 }
    for await (const batch of mergeSegments(readers, range, { dropTombstones: true })) {
      lines.push(...batch.map(show))
    }
    const expected = [...this.expected].sort().map(([key, value]) => `put 1:${key}=${value}`)
    expect(lines).toEqual(expected)
  }

  files(part = ''): string[] {
    return this.fileSystem.files().filter((path) => path.includes(part))
  }
}

/** What a chain amounts to. */
async function linesOf(job: OneChain, chain: readonly SegmentReference[]): Promise<string[]> {
  const readers = await Promise.all(chain.map((one) => openSegment(job.storage, one)))
  const lines: string[] = []
  const merged = mergeSegments(readers, { first: 0, last: 127 }, { dropTombstones: true })
  for await (const batch of merged) lines.push(...batch.map(show))
  return lines.sort()
}

describe('SegmentChains', () => {
  it('keeps every chain short and every checkpoint whole, over hundreds of them (R29)', async () => {
    const job = new OneChain()
    for (let i = 0; i < 150; i++) {
      await job.chains.makeRoom()
      const manifest = await job.checkpoint()
      expect(job.chainOf(manifest).length).toBeLessThanOrEqual(MAX_CHAIN)
      await job.chains.tidy()
      await job.check(manifest)
      expect(await job.storage.list()).toEqual([i - 1, i, i + 1].filter((id) => id > 0))
    }
    expect(job.files().length).toBeLessThan(40)
  })

  it('makes checkpoints wait where folding does not keep up, so that no chain gets long (R29)', async () => {
    const job = new OneChain({ foldBytesPerSecond: 1_000 })
    let done = 0
    const run = async () => {
      for (; done < 40; done++) {
        await job.chains.makeRoom()
        const manifest = await job.checkpoint(1_000)
        expect(job.chainOf(manifest).length).toBeLessThan(MAX_CHAIN)
        void job.chains.tidy()
      }
    }
    const running = run()
    await settle()
    expect(done).toBeLessThan(MAX_CHAIN)
    while (done < 40) {
      job.clock.advance(1_000)
      await settle()
    }
    await running
    await job.check(job.newest!)
  })

  it('takes checkpoints at once behind the chains of several subtasks, with their files, and folds them (R28, R29)', async () => {
    const job = new OneChain()
    const chain: SegmentReference[] = []
    // Ten segments of two subtasks each, all of which one subtask had written before: each file counts twice.
    for (let i = 0; i < 10; i++) {
      job.id = await job.storage.reserveId(job.id)
      const entries = [1, 2].flatMap((group) => [
        put(group, `key-${i % 4}`, `${group} ${i}`),
        ...(i % 5 === 4 ? [remove(group, `once-${i - 1}`)] : [put(group, `once-${i}`, 'x')]),
      ])
      const segment = (await writeSegment(job.storage, job.id, 'before', entries))!
      const half = { ...segment, rangeBytes: Math.ceil(segment.bytes / 2) }
      chain.splice(i, 0, { ...half, range: { first: 1, last: 1 } })
      chain.push({ ...half, range: { first: 2, last: 2 } })
    }
    const base = manifestOf(job.id, { subtasks: [partOf(0, chain)] })
    await job.storage.publish(base)
    const before = await linesOf(job, chain)
    job.chains = job.open({ base, continuing: new Map([[KEY, chain]]) })
    await job.chains.makeRoom()
    const first = await job.take([put(2, 'new', '1')])
    expect(job.chainOf(first).length).toBe(21)
    expect(await linesOf(job, job.chainOf(first))).toEqual([...before, 'put 2:new=1'].sort())
    for (let i = 2; i < 12; i++) {
      await job.chains.tidy()
      await job.chains.makeRoom()
      const next = await job.take([put(2, 'new', String(i))])
      expect(await linesOf(job, job.chainOf(next))).toEqual([...before, `put 2:new=${i}`].sort())
    }
    expect(job.chainOf(job.newest!).length).toBeLessThanOrEqual(MAX_CHAIN)
  })

  it('makes checkpoints wait where a chain that began long is not folded (R29)', async () => {
    const job = new OneChain({ foldBytesPerSecond: 1 })
    const chain: SegmentReference[] = []
    for (let i = 0; i < 20; i++) {
      job.id = await job.storage.reserveId(job.id)
      chain.push((await writeSegment(job.storage, job.id, 'before', [put(1, 'a', String(i))]))!)
    }
    const base = manifestOf(job.id, { subtasks: [partOf(0, chain)] })
    await job.storage.publish(base)
    job.chains = job.open({ base, continuing: new Map([[KEY, chain]]), foldBytesPerSecond: 1 })
    let taken = 0
    const taking = (async () => {
      while (taken < 50) {
        await job.chains.makeRoom()
        await job.take([put(1, 'b', String(taken++))])
      }
    })()
    for (let i = 0; i < 200; i++) await settle()
    expect(taken).toBeGreaterThan(0)
    expect(taken).toBeLessThan(10)
    await job.chains.close()
    await taking
  })

  it('leaves the last place in a chain to the last checkpoint', async () => {
    const job = new OneChain({ foldBytesPerSecond: 1_000 })
    while (job.id < MAX_CHAIN - 1) await job.checkpoint(2_000)
    let hasRoom = false
    const waiting = job.chains.makeRoom().then(() => (hasRoom = true))
    await settle()
    expect(hasRoom).toBe(false)
    job.chains.hurry()
    await waiting
    expect(job.chainOf(await job.checkpoint()).length).toBe(MAX_CHAIN)
    await job.chains.close()
  })

  it('folds nothing behind the last checkpoint: no manifest would name it', async () => {
    const job = new OneChain()
    while (job.id < MAX_CHAIN - 1) await job.checkpoint()
    job.chains.hurry()
    expect(job.chainOf(await job.checkpoint()).length).toBe(MAX_CHAIN)
    await job.chains.conclude()
    expect(job.files('fold')).toEqual([])
    await job.check(job.newest!)
  })

  it('lets a long fold go on beside short ones, and removals (R29)', async () => {
    const job = new OneChain({ foldBytesPerSecond: 200_000, longFoldBytes: 200_000 })
    for (let i = 0; i < 8; i++) await job.checkpoint(100_000)
    await job.chains.tidy()
    expect(job.files('fold').length).toBe(1)
    for (let i = 0; i < 12; i++) {
      await job.chains.makeRoom()
      const manifest = await job.checkpoint(10)
      await job.chains.tidy()
      expect(job.chainOf(manifest).length).toBeLessThanOrEqual(MAX_CHAIN)
      expect((await job.storage.list()).length).toBeLessThanOrEqual(3)
      await job.check(manifest)
    }
    const before = job.chainOf(job.newest!)
    job.clock.advance(60_000)
    await settle()
    job.clock.advance(60_000)
    await settle()
    const after = await job.checkpoint()
    expect(job.chainOf(after)[0]!.file).toMatch(/fold/)
    expect(job.chainOf(after)[0]).not.toEqual(before[0])
    await job.check(after)
    await job.chains.tidy()
    await job.check(after)
    await job.chains.close()
  })

  it('removes beside a fold what checkpoints have superseded meanwhile (R29)', async () => {
    const job = new OneChain({ foldBytesPerSecond: 10_000 })
    const keys = [0, 1].map((subtask) => chainKey('counts', subtask))
    const checkpoint = async () => {
      job.id = await job.storage.reserveId(job.id)
      const subtasks = []
      for (const [index, key] of keys.entries()) {
        const value = String(job.id).padEnd(10_000, '.')
        const name = `counts-${index}-1`
        const segment = await writeSegment(job.storage, job.id, name, [put(1, 'a', value)])
        subtasks.push(partOf(index, job.chains.extend(key, segment)))
      }
      const manifest = manifestOf(job.id, { subtasks })
      await job.storage.publish(manifest)
      job.chains.adopt(manifest)
    }
    for (let i = 0; i < 8; i++) await checkpoint()
    const tidying = job.chains.tidy()
    await settle()
    const folds = job.files('fold')
    for (let i = 0; i < 4; i++) {
      await checkpoint()
      void job.chains.tidy()
      await settle()
      expect((await job.storage.list()).length).toBe(3)
    }
    expect(folds.length).toBe(1)
    expect(job.files('fold')).toEqual(folds)
    await job.chains.close()
    await tidying
  })

  it('lets a fold end beside which nothing can be removed, and removes in the next round (R29)', async () => {
    const job = new OneChain({ foldBytesPerSecond: 10_000 })
    for (let i = 0; i < 8; i++) await job.checkpoint(10_000)
    const tidying = job.chains.tidy()
    await settle()
    job.fileSystem.faults = { fails: ({ kind }) => (kind === 'unlink' ? 'EACCES' : undefined) }
    await job.checkpoint(10_000)
    void job.chains.tidy()
    await settle()
    job.fileSystem.faults = {}
    expect((await job.storage.list()).length).toBe(4)
    for (let i = 0; i < 30; i++) {
      job.clock.advance(500)
      await settle()
    }
    await tidying
    const folded = await job.checkpoint(10_000)
    expect(job.chainOf(folded).map(({ file }) => file)).toContainEqual(
      expect.stringContaining('fold'),
    )
    await job.chains.tidy()
    expect((await job.storage.list()).length).toBe(3)
    await job.check(folded)
    await job.chains.close()
  })

  it('gives up a fold that the last checkpoint comes beside, and leaves no file of it', async () => {
    const job = new OneChain({ foldBytesPerSecond: 10_000 })
    for (let i = 0; i < 8; i++) await job.checkpoint(10_000)
    void job.chains.tidy()
    await settle()
    expect(job.files('fold').length).toBe(1)
    await job.checkpoint(10_000)
    await job.chains.conclude()
    expect(job.files('fold')).toEqual([])
    expect(job.damages).toEqual([])
    expect((await job.storage.list()).length).toBe(3)
    await job.check(job.newest!)
    await job.chains.close()
  })

  it('never removes a folded file before a manifest names it', async () => {
    const job = new OneChain()
    for (let i = 0; i < 8; i++) await job.checkpoint()
    await job.chains.tidy()
    const [folded] = job.files('fold')
    for (let i = 0; i < 3; i++) await job.chains.tidy()
    expect(job.files('fold')).toEqual([folded])
    const manifest = await job.checkpoint()
    expect(job.chainOf(manifest).length).toBe(2)
    await job.check(manifest)
  })

  it('keeps tombstones where it folds behind a large first segment (R29)', async () => {
    const job = new OneChain()
    const large = ['a', 'b', 'c1', 'c2', 'd'].map((key) => [key, key.repeat(1_000)] as const)
    await job.take(large.map(([key, value]) => put(1, key, value)))
    await job.take([put(1, 'a', 'new'), remove(1, 'b')])
    await job.take([clear(1, 'c'), put(1, 'c2', 'new')])
    for (const value of ['1', '2', '3', '4', '5']) await job.take([put(1, 'e', value)])
    await job.chains.tidy()
    const manifest = await job.take([])
    expect(job.chainOf(manifest).length).toBe(2)
    expect(job.chainOf(manifest)[1]!.file).toContain('fold')
    for (const [key, value] of [
      ['a', 'new'],
      ['c2', 'new'],
      ['d', 'd'.repeat(1_000)],
      ['e', '5'],
    ] as const) {
      job.expected.set(key, value)
    }
    await job.check(manifest)
  })

  it('gives folds up when it is closed, and leaves none of their files', async () => {
    const job = new OneChain({ foldBytesPerSecond: 1_000, longFoldBytes: 1 })
    for (let i = 0; i < 8; i++) await job.checkpoint(1_000)
    void job.chains.tidy()
    await settle()
    expect(job.files('fold').length).toBe(1)
    await job.chains.close()
    expect(job.files('fold')).toEqual([])
    await job.chains.tidy()
    expect(job.files('fold')).toEqual([])
  })

  it('does not begin a fold while it is being closed', async () => {
    const job = new OneChain()
    let closing: Promise<void> | undefined
    const storage = changed(job.storage, {
      create(id, name) {
        if (name.startsWith('fold')) closing = job.chains.close()
        return job.storage.create(id, name)
      },
    })
    job.chains = job.open({ storage, foldBytesPerSecond: 1_000 })
    for (let i = 0; i < 8; i++) await job.checkpoint(1_000)
    await job.chains.tidy()
    await closing
    expect(closing).toBeDefined()
    expect(job.files('fold')).toEqual([])
  })

  it('removes what a crash left: a folded file that no manifest names, and aborted checkpoints', async () => {
    const job = new OneChain()
    for (let i = 0; i < 8; i++) await job.checkpoint()
    await job.chains.tidy()
    job.id = await job.storage.reserveId(job.id)
    await writeSegment(job.storage, job.id, 'counts-0-1', [put(1, 'lost')])
    expect(job.files('fold').length).toBe(1)
    const left = job.files(`chk-${job.id}/`)
    expect(left.length).toBe(1)
    job.chains = job.open({ base: job.newest!, keptIds: [6, 7] })
    await job.checkpoint()
    await job.chains.tidy()
    await job.check(job.newest!)
    const named = new Set(job.chainOf(await job.checkpoint()).map(({ file }) => `/storage/${file}`))
    expect(job.files('fold').every((file) => named.has(file))).toBe(true)
    expect(job.files()).not.toContain(left[0])
  })

  it('keeps what older checkpoints name that were taken before it began', async () => {
    const job = new OneChain()
    for (let i = 0; i < 9; i++) {
      await job.checkpoint()
      await job.chains.tidy()
    }
    const older = await Promise.all([8, 9].map((id) => job.storage.readManifest(id)))
    await job.chains.close()
    job.chains = job.open({ base: job.newest!, keptIds: [7, 8] })
    await job.checkpoint()
    await job.chains.tidy()
    expect(await job.storage.list()).toEqual([8, 9, 10])
    for (const manifest of older) {
      for (const { file } of job.chainOf(manifest))
        expect(await job.storage.stat(file)).toBeDefined()
    }
  })

  it('does not need an older checkpoint that is damaged', async () => {
    const job = new OneChain()
    for (let i = 0; i < 3; i++) await job.checkpoint()
    job.fileSystem.overwrite('/storage/chk-2/manifest.json', new Uint8Array(7))
    job.chains = job.open({ base: job.newest!, keptIds: [1, 2] })
    await job.checkpoint()
    await job.chains.tidy()
    expect(await job.storage.list()).toEqual([3, 4])
  })

  it('ends the attempt when a segment that it folds is damaged, with file and key group (R27)', async () => {
    const job = new OneChain()
    for (let i = 0; i < 8; i++) await job.checkpoint()
    const { file, bytes } = job.chainOf(job.newest!)[2]!
    const content = await job.storage.read(file, 0, bytes)
    content[5]! ^= 1
    job.fileSystem.overwrite(`/storage/${file}`, content)
    await job.chains.tidy()
    expect(job.damages.length).toBe(1)
    expect(job.damages[0]!.message).toContain(`${file}, key groups 1 to 1`)
    expect(job.files('fold')).toEqual([])
  })

  it.each([10, 0])(
    'tries again what failed, and makes checkpoints fail when that goes on (%i bytes)',
    async (size) => {
      const job = new OneChain()
      job.fileSystem.faults = { fails: ({ kind }) => (kind === 'unlink' ? 'EACCES' : undefined) }
      let taken = 0
      await expect(
        (async () => {
          for (; taken < 50; taken++) {
            await job.chains.makeRoom()
            await job.checkpoint(size)
            await job.chains.tidy()
          }
        })(),
      ).rejects.toMatchObject({ code: 'MR_DIRECTORY_UNUSABLE' })
      expect(taken).toBeLessThan(20)
      job.fileSystem.faults = {}
      await job.chains.makeRoom()
      await job.checkpoint()
      await job.chains.tidy()
      await job.check(job.newest!)
      expect((await job.storage.list()).length).toBe(3)
    },
  )

  it('makes checkpoints fail when a long chain cannot be folded, and recovers (R29)', async () => {
    const job = new OneChain()
    job.fileSystem.faults = {
      fails: ({ kind, path }) => (kind === 'write' && path.includes('fold') ? 'ENOSPC' : undefined),
    }
    while (job.id < MAX_CHAIN - 1) {
      await job.chains.makeRoom()
      await job.checkpoint()
    }
    await expect(job.chains.makeRoom()).rejects.toMatchObject({ code: 'MR_CHECKPOINT_FAILED' })
    expect(job.files('fold')).toEqual([])
    job.fileSystem.faults = {}
    await job.chains.makeRoom()
    await job.check(await job.checkpoint())
  })
})

describe('checkpoints of a job over time', { timeout: 60_000 }, () => {
  const step = fc.constantFrom(
    'done',
    'done',
    'done',
    'declined',
    'expired',
    'unpublished',
    'restart',
  )
  const change = fc.record({
    subtask: fc.constantFrom(2, 3),
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    value: fc.option(fc.nat(999), { freq: 4 }),
  })
  const history = fc.array(fc.tuple(step, fc.array(change, { maxLength: 4 })), {
    minLength: 20,
    maxLength: 60,
  })

  it('hold the state of their barrier, whatever became of the ones before (R24, R29)', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        let run = new CoordinatorRun({ tolerableFailures: 1_000 })
        run.coordinator.start()
        // A first segment that is large beside the others, so that folds leave it alone and must keep tombstones.
        for (const i of [2, 3]) {
          for (const key of ['a', 'b', 'c', 'd', 'e'])
            run.states[i]!.now.set(key, 'x'.repeat(4_000))
        }
        const taken = new Map<number, Map<string, string>[]>()
        for (const [outcome, changes] of steps) {
          for (const { subtask, key, value } of changes) {
            const state = run.states[subtask]!.now
            if (value === null) state.delete(key)
            else state.set(key, String(value))
          }
          await run.next()
          run = await outcomes[outcome](run, taken)
          await checkAll(run, taken)
        }
        await run.coordinator.close()
        expect(run.files().length).toBeLessThan(60)
      }),
      { numRuns: 8 },
    )
  })

  type Taken = Map<number, Map<string, string>[]>

  const outcomes = {
    async done(run: CoordinatorRun, taken: Taken) {
      const { checkpointId } = run.trigger!
      await run.answer()
      taken.set(
        checkpointId,
        run.states.map((state) => new Map(state.now)),
      )
      expect(run.completed.at(-1)!.checkpointId).toBe(checkpointId)
      return run
    },
    async declined(run: CoordinatorRun) {
      const { checkpointId, baseId } = run.trigger!
      await run.partOf(2, checkpointId, baseId)
      run.decline(new Error('declined'))
      await settle()
      return run
    },
    async expired(run: CoordinatorRun) {
      run.clock.advance(10_000)
      await settle()
      return run
    },
    async unpublished(run: CoordinatorRun) {
      run.fileSystem.faults = { fails: ({ kind }) => (kind === 'link' ? 'EIO' : undefined) }
      await run.answer()
      run.fileSystem.faults = {}
      return run
    },
    /** The process ends in the middle of a checkpoint; the next one goes on from the newest. */
    async restart(run: CoordinatorRun) {
      const { checkpointId, baseId } = run.trigger!
      await run.partOf(3, checkpointId, baseId)
      await run.coordinator.close()
      const ids = await run.storage.list()
      const base = ids.length === 0 ? undefined : await run.storage.readManifest(ids.at(-1)!)
      const own = base?.checkpointId ?? 0
      const keptIds = ids.filter((id) => id < own)
      const next = new CoordinatorRun(
        { tolerableFailures: 1_000, base, lastId: own, keptIds },
        run.fileSystem,
      )
      if (base !== undefined) {
        for (const i of [2, 3]) next.states[i]!.restore(own, await next.restored(i, base))
      }
      next.coordinator.start()
      return next
    },
  }

  async function checkAll(run: CoordinatorRun, taken: Taken): Promise<void> {
    const ids = await run.storage.list()
    expect(ids.length).toBeLessThanOrEqual(3)
    for (const id of ids) {
      const manifest = await run.storage.readManifest(id)
      for (const { segments } of manifest.subtasks) {
        expect(segments.length).toBeLessThanOrEqual(MAX_CHAIN)
      }
      for (const i of [2, 3]) expect(await run.restored(i, manifest)).toEqual(taken.get(id)![i])
    }
  }
})
