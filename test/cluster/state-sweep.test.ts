import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createFileStorage } from '../../runtime/checkpoint/file-storage.ts'
import { foldSegments } from '../../runtime/checkpoint/fold.ts'
import type { SegmentReference } from '../../runtime/checkpoint/manifest.ts'
import { LocalMerger } from '../../runtime/checkpoint/segment-merger.ts'
import { writeSnapshot } from '../../runtime/checkpoint/segment-writer.ts'
import { nodeFileSystem } from '../../runtime/file-system.ts'
import { SystemClock } from '../../runtime/clock.ts'
import { LevelDbBackend } from '../../runtime/state/leveldb-backend.ts'
import { valueState } from '../../runtime/state/state.ts'
import { backendContext, turn, within } from '../contract/state-harness.ts'

const MIB = 1_024 * 1_024
const KEYS = 200_000
/** Those that are used all the time. */
const KEPT = 1_000
const TTL = 3_600_000
/** Turns after which a sweep that has not come to its end is taken for broken. */
const MAX_TURNS = 3_000_000

const folder = mkdtempSync(join(tmpdir(), 'millrace-sweep-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Real time, but that state is as old as the test says. */
class ShiftedClock extends SystemClock {
  shift = 0

  override now(): number {
    return super.now() + this.shift
  }
}

/** The files there; LevelDB may remove one meanwhile. */
function bytesOf(directory: string): number {
  const sizes = readdirSync(directory).map(
    (name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0,
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

it('gives back memory, LevelDB and checkpoint of 200,000 keys that are written once (R30)', async () => {
  const clock = new ShiftedClock()
  const directory = join(folder, 'working-copy')
  const backend = new LevelDbBackend(backendContext({ clock, directory, cacheBytes: 64 * MIB }))
  const seen = backend.register(1, 'op', { ...valueState<number>({ ttl: TTL }), name: 'seen' })
  await backend.restore([])
  mkdirSync(join(folder, 'checkpoints'))
  const storage = createFileStorage({
    directory: join(folder, 'checkpoints'),
    fileSystem: nodeFileSystem,
  })

  const work = async (): Promise<void> => {
    while (backend.work(clock.elapsed() + 5));
    await turn()
  }
  const write = async (keys: number): Promise<void> => {
    for (let key = 0; key < keys; key++) {
      within(backend, `customer ${key}`, () => seen.update(key))
      if (key % 2_000 === 0)
        do await work()
        while (backend.isSuspended)
    }
  }
  let chain: readonly SegmentReference[] = []
  let checkpointId = 0
  /** Takes a checkpoint, folds its chain into one segment, and says how large that is. */
  const checkpoint = async (): Promise<{ readonly entries: number; readonly bytes: number }> => {
    const snapshot = backend.beginSnapshot(checkpointId + 1, checkpointId)
    checkpointId = await storage.reserveId(checkpointId)
    while (!snapshot.isEncoded) await work()
    const written = await writeSnapshot(storage, checkpointId, 'state', snapshot.entries())
    const segments = written === undefined ? chain : [...chain, written]
    const folded = await foldSegments(
      new LocalMerger(storage, clock),
      await storage.create(checkpointId, 'folded'),
      { segments, isBeginning: true, bytesPerSecond: Infinity },
      new AbortController().signal,
    )
    chain = folded === undefined ? [] : [folded]
    backend.checkpointCompleted(checkpointId)
    return { entries: folded?.entries ?? 0, bytes: folded?.bytes ?? 0 }
  }

  await write(KEYS)
  const full = await checkpoint()
  const before = { memory: backend.memoryBytes, disk: bytesOf(directory) }
  expect(full.entries).toBe(KEYS)

  clock.shift += TTL / 2
  await write(KEPT)
  clock.shift += TTL / 2 + 1
  for (let turns = 0; backend.entryCount > KEPT && turns < MAX_TURNS; turns++) await work()
  let left = await checkpoint()
  // Some may be left: the count is an estimate for what was written without being read.
  while (left.entries > KEPT) {
    for (let turns = 0; turns < 1_000; turns++) await work()
    left = await checkpoint()
  }
  expect(left.entries).toBe(KEPT)
  expect(left.bytes).toBeLessThan(full.bytes / 100)
  expect(backend.memoryBytes).toBeLessThan(before.memory / 4)
  for (let key = 0; key < KEPT; key += 100) {
    expect(within(backend, `customer ${key}`, () => seen.value())).toBe(key)
  }
  // LevelDB compacts in the background.
  for (let turns = 0; bytesOf(directory) > before.disk / 2 && turns < MAX_TURNS; turns++)
    await work()
  expect(bytesOf(directory)).toBeLessThan(before.disk / 2)
  await backend.close()
}, 900_000)
