import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CheckpointStorage } from '../../../runtime/checkpoint/checkpoint-storage.ts'
import type { CheckpointManifest, SegmentReference } from '../../../runtime/checkpoint/manifest.ts'
import { validateManifestFiles } from '../../../runtime/checkpoint/manifest-codec.ts'
import { placeIn } from '../../../runtime/checkpoint/object-files.ts'
import { type Random, SeededRandom } from '../../../runtime/clock.ts'
import { StreamError } from '../../../runtime/errors.ts'
import { collectObjectGarbage } from '../../../runtime/inspect/collect-object-garbage.ts'
import { HeadSession, readJobHead } from '../../../runtime/job/head-session.ts'
import { startRounds } from '../../../runtime/job/start-rounds.ts'
import type { ObjectStore } from '../../../runtime/object-store.ts'
import { manifestOf, partOf, writeFile } from '../../harness/checkpoint-fixtures.ts'
import { LateRequests } from '../../harness/late-object-store.ts'
import { MemoryObjectStore } from '../../harness/memory-object-store.ts'
import { jobPlace, storageOf } from '../../harness/object-storage.ts'
import { Turnstile } from '../../harness/turnstile.ts'
import { UnreliableObjectStore } from '../../harness/unreliable-object-store.ts'

/** What all runs have put out: a letter that never comes again for each position, so that nothing that is read again comes out the same. */
class Output {
  committed = ''
  #letters = 0
  /** What was pre-committed, in which epoch. */
  readonly #prepared: Map<string, number> = new Map()
  /** What was taken back, so that it cannot be committed any more. */
  readonly #dead: Set<string> = new Set()

  letter(): string {
    return String.fromCodePoint(0x4e00 + this.#letters++)
  }

  prepare(output: string, epoch: number): void {
    this.#prepared.set(output, epoch)
  }

  /** As a sink does at the beginning of an attempt: what goes beyond the checkpoint is removed. */
  takeBack(base: string, epoch: number): void {
    for (const [output, of] of this.#prepared) {
      if (of <= epoch && !base.startsWith(output)) this.#dead.add(output)
    }
  }

  commit(output: string): void {
    if (this.#dead.has(output)) throw new Error(`${output} was taken back`)
    const isBehind = this.committed.startsWith(output)
    if (!isBehind && !output.startsWith(this.committed)) {
      throw new Error(`${output} is committed after ${this.committed}`)
    }
    if (!isBehind) this.committed = output
  }
}

interface Base {
  readonly output: string
  readonly segments: readonly SegmentReference[]
  readonly manifest: CheckpointManifest | undefined
}

/** A job that a start looks at. */
class Looking {
  readonly #store: ObjectStore
  readonly #run: string
  #session: Promise<HeadSession> | undefined

  constructor(store: ObjectStore, run: string) {
    this.#store = store
    this.#run = run
  }

  session(): Promise<HeadSession> {
    this.#session ??= this.#look(false)
    return this.#session
  }

  async hasMoved(): Promise<boolean> {
    try {
      return await (await this.session()).hasMoved()
    } catch {
      return false
    }
  }

  async lookAgain({ takes }: { readonly takes: boolean }): Promise<void> {
    this.#session = this.#look(takes)
  }

  #look(takes: boolean): Promise<HeadSession> {
    const head = placeIn(jobPlace(this.#store), 'job.json')
    const by = { run: this.#run, holder: this.#run }
    return takes ? HeadSession.takeOver(head, 'fraud', by) : HeadSession.look(head, 'fraud', by)
  }
}

/** One run of a job: reads, takes checkpoints, commits them, folds, cleans up, and is killed or fenced at some time. */
class Runner {
  readonly #name: string
  readonly #store: ObjectStore
  readonly #output: Output
  readonly #random: Random
  /** For what is wrong with its output, say: whatever it would go on from. */
  readonly #isRefused: boolean
  #epoch = 0
  #session: HeadSession | undefined

  constructor(name: string, store: ObjectStore, output: Output, random: Random) {
    this.#name = name
    this.#store = store
    this.#output = output
    this.#random = random
    this.#isRefused = random.next() < 0.3
  }

  async run(checkpoints: number): Promise<'fenced' | 'killed' | 'refused'> {
    try {
      const home = new Looking(this.#store, this.#name)
      const started = await startRounds(home, () => this.#start(home))
      if (started === undefined) return 'refused'
      const { storage } = started
      let { base } = started
      for (let n = 0; n < checkpoints; n++) {
        try {
          base = await this.#checkpoint(storage, base)
        } catch (error) {
          if (!isPassing(error)) throw error
          // The job goes on with what it has, or with another attempt.
          const isAttempt = this.#random.next() < 0.5
          base = isAttempt ? await this.restore(storage) : { ...base, output: this.#read(base) }
        }
      }
      return 'killed'
    } catch (error) {
      if (isFenced(error)) return 'fenced'
      if (isPassing(error)) return 'killed'
      throw error
    }
  }

  /** Checks what it would go on from, and takes the job over if nothing is wrong with it; undefined where something is. */
  async #start(
    home: Looking,
  ): Promise<{ readonly storage: CheckpointStorage; readonly base: Base } | undefined> {
    const session = await home.session()
    const storage = this.storageOf(session)
    const base = await this.#find(storage)
    if (this.#isRefused) return undefined
    await session.take()
    this.#epoch = session.epoch
    return { storage, base: this.#goOnFrom(base) }
  }

  storageOf(session: HeadSession): CheckpointStorage {
    this.#session = session
    return storageOf(session, jobPlace(this.#store))
  }

  async restore(storage: CheckpointStorage): Promise<Base> {
    return this.#goOnFrom(await this.#find(storage))
  }

  async #find(storage: CheckpointStorage): Promise<Base> {
    const id = (await storage.list()).at(-1)
    if (id === undefined) return { output: '', segments: [], manifest: undefined }
    const manifest = await storage.readManifest(id)
    await this.#unlessFenced(() => validateManifestFiles(storage, manifest))
    const output = manifest.params['output'] as string
    return { output, segments: manifest.subtasks[0]!.segments, manifest }
  }

  #goOnFrom(base: Base): Base {
    if (base.manifest !== undefined) this.#output.commit(base.output)
    this.#output.takeBack(base.output, this.#epoch)
    return base
  }

  /** What one that has been taken over from finds missing is nobody's concern. */
  async #unlessFenced(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      await this.#session!.check()
      throw new Error('the files of a checkpoint are gone', { cause: error })
    }
  }

  #read({ output }: Base): string {
    return output + this.#output.letter()
  }

  async #checkpoint(storage: CheckpointStorage, base: Base): Promise<Base> {
    const output = this.#read(base)
    let segments = base.segments
    if (base.manifest !== undefined && this.#random.next() < 0.4) {
      const folded = await writeFile(storage, base.manifest.checkpointId, 'fold', 'folded')
      segments = [folded, ...segments.slice(1)]
    }
    const id = await storage.reserveId(0)
    segments = [...segments, await writeFile(storage, id, 'counts', output)]
    this.#output.prepare(output, this.#epoch)
    const manifest = manifestOf(id, { params: { output }, subtasks: [partOf(0, segments)] })
    await storage.publish(manifest)
    this.#output.commit(output)
    const failed = (error: unknown): void => {
      if (!isPassing(error) && !isFenced(error)) throw error
    }
    await storage.retain([manifest], []).catch(failed)
    if (this.#random.next() < 0.2) await storage.discard(id).catch(failed)
    return { output, segments, manifest }
  }
}

/** Removes what runs have left, taking the job over from them. */
async function collect(store: ObjectStore): Promise<'fenced' | 'killed' | 'refused' | 'collected'> {
  try {
    const garbage = await collectObjectGarbage(jobPlace(store), { takesOver: true })
    if (garbage === undefined) return 'refused'
    return garbage.files.length > 0 ? 'collected' : 'killed'
  } catch (error) {
    if (isFenced(error)) return 'fenced'
    if (isPassing(error) || isTimeout(error)) return 'killed'
    throw error
  }
}

function isTimeout(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'ETIMEDOUT'
}

function isFenced(error: unknown): boolean {
  return error instanceof StreamError && error.code === 'MR_JOB_FENCED'
}

function isPassing(error: unknown): boolean {
  return error instanceof StreamError && error.code === 'MR_CHECKPOINT_FAILED'
}

describe('runs of one job that take it over from each other', () => {
  it('put out one sequence, which the last one goes on from with all its files, whatever is slow, lost or late (R4)', async () => {
    let fenced = 0
    let refused = 0
    let collected = 0
    let lengths = 0
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 2 }),
        fc.constantFrom(0, 0.05, 0.2),
        async (seed, runs, collectors, share) => {
          const random = new SeededRandom(seed)
          const turnstile = new Turnstile(random)
          const memory = new MemoryObjectStore()
          const late = new LateRequests(random, share)
          const output = new Output()
          const pace = turnstile.pace()
          const view = () => late.seenBy(new UnreliableObjectStore(memory, { pace }))
          const wait = async (most: number): Promise<void> => {
            const waits = Math.floor(random.next() * most)
            for (let n = 0; n < waits; n++) await pace({ kind: 'start', path: '', index: n })
          }
          const running = runs.map(async (checkpoints, index) => {
            const runner = new Runner('ABCD'[index]!, view(), output, random)
            await wait(40)
            return runner.run(checkpoints)
          })
          const collecting = Array.from({ length: collectors }, async () => {
            await wait(150)
            return collect(view())
          })
          const ends = await turnstile.until(Promise.all([...running, ...collecting]))
          fenced += ends.filter((end) => end === 'fenced').length
          collected += ends.filter((end) => end === 'collected').length
          refused += ends.filter((end) => end === 'refused').length
          // Who is refused fences nobody: others may.
          const taken = (await readJobHead(placeIn(jobPlace(memory), 'job.json')))?.epoch ?? 0
          if (share === 0) expect(taken).toBe(ends.filter((end) => end !== 'refused').length)
          const place = jobPlace(memory)
          const by = { run: 'last', holder: 'last' }
          const session = await HeadSession.takeOver(placeIn(place, 'job.json'), 'fraud', by)
          const last = new Runner('Z', memory, output, random)
          const base = await last.restore(last.storageOf(session))
          expect(base.output.startsWith(output.committed)).toBe(true)
          lengths += base.output.length
        },
      ),
      { numRuns: 600 },
    )
    // It was not for nothing.
    expect(fenced).toBeGreaterThan(50)
    expect(refused).toBeGreaterThan(50)
    expect(collected).toBeGreaterThan(50)
    expect(lengths).toBeGreaterThan(500)
  })
})
