import { afterEach, describe, expect, it } from 'vitest'
import type { CheckpointCoordinatorOptions } from '../../../runtime/checkpoint/checkpoint-coordinator.ts'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import { SavepointQueue } from '../../../runtime/checkpoint/savepoint-queue.ts'
import { RestartableError } from '../../../runtime/errors.ts'
import type { FaultFileSystem } from '../../harness/fault-file-system.ts'
import { CoordinatorRun, settle } from './coordinator-kit.ts'

const runs: CoordinatorRun[] = []

/** A coordinator of which savepoints are wanted. */
function open(
  savepoints: SavepointQueue,
  options: Partial<CheckpointCoordinatorOptions> = {},
  files?: FaultFileSystem,
): CoordinatorRun {
  const run = new CoordinatorRun({ savepoints, ...options }, files)
  runs.push(run)
  run.coordinator.start()
  return run
}

afterEach(async () => {
  for (const run of runs.splice(0)) {
    run.fileSystem.faults = {}
    await run.coordinator.close()
  }
})

/** Wants a savepoint, and keeps what it is told. */
class Wish {
  readonly manifests: CheckpointManifest[] = []
  readonly errors: unknown[] = []

  constructor(queue: SavepointQueue) {
    queue.add({
      completed: (manifest) => this.manifests.push(manifest),
      failed: (error) => this.errors.push(error),
    })
  }
}

const diskFull = () => new RestartableError('MR_CHECKPOINT_FAILED', 'The disk is full.')

describe('a savepoint that is wanted', () => {
  it('triggers a checkpoint at once, an ordinary one with the same barrier (semantics 2.7)', async () => {
    const queue = new SavepointQueue()
    const run = open(queue)
    const wish = new Wish(queue)
    await settle()
    expect(run.commands).toEqual([
      { slot: 0, command: { type: 'trigger', checkpointId: 1, baseId: 0, kind: 'checkpoint' } },
    ])
    await run.answer()
    expect(wish.manifests).toMatchObject([{ checkpointId: 1, kind: 'checkpoint' }])
    expect(run.completed).toMatchObject([{ checkpointId: 1 }])
  })

  it('resets nothing: the next checkpoint holds what has changed since, after a whole interval (R24)', async () => {
    const queue = new SavepointQueue()
    const run = open(queue)
    run.states[2]!.now.set('a', '1')
    const wish = new Wish(queue)
    await settle()
    await run.answer()
    expect(wish.manifests).toHaveLength(1)
    run.states[2]!.now.set('b', '2')
    await run.checkpoint()
    expect(run.trigger).toMatchObject({ checkpointId: 2, baseId: 1 })
    const part = run.coordinator.newest!.subtasks[2]!
    expect(part.segments.map(({ entries }) => entries)).toEqual([1, 1])
    expect(await run.restored(2, run.coordinator.newest!)).toEqual(
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
    )
  })

  it('waits for the checkpoint under way, and for nothing else; all that wait are served by one (semantics 2.7)', async () => {
    const queue = new SavepointQueue()
    const run = open(queue)
    await run.next()
    const wishes = [new Wish(queue), new Wish(queue)]
    await run.answer()
    expect(wishes.map(({ manifests }) => manifests.length)).toEqual([0, 0])
    expect(run.trigger).toMatchObject({ checkpointId: 2, baseId: 1 })
    await run.answer()
    for (const { manifests } of wishes) expect(manifests).toMatchObject([{ checkpointId: 2 }])
  })

  it('fails alone: the job goes on, and does not count it (semantics 2.7)', async () => {
    const queue = new SavepointQueue()
    const run = open(queue, { tolerableFailures: 0 })
    const wish = new Wish(queue)
    await settle()
    run.decline(diskFull())
    expect(wish.errors).toMatchObject([{ code: 'MR_CHECKPOINT_FAILED' }])
    expect(run.failures).toEqual([])
    await run.checkpoint()
    expect(run.completed).toMatchObject([{ checkpointId: 2 }])
    await run.next()
    run.decline(diskFull())
    expect(run.failures).toHaveLength(1)
  })

  it('fails where no id can be reserved, and is not wanted any more', async () => {
    const queue = new SavepointQueue()
    const run = open(queue)
    run.fileSystem.faults = {
      fails: ({ kind }) => (kind === 'makeDirectory' ? 'ENOSPC' : undefined),
    }
    const wish = new Wish(queue)
    await settle()
    expect(wish.errors).toMatchObject([{ code: 'MR_CHECKPOINT_FAILED' }])
    expect(queue.isEmpty).toBe(true)
  })

  it('is served by the last checkpoint of a stop, and of the end of input (R14, R34)', async () => {
    for (const kind of ['stop', 'final'] as const) {
      const queue = new SavepointQueue()
      const run = open(queue)
      const last = run.coordinator.takeLast(kind)
      const wish = new Wish(queue)
      await settle()
      await run.answer()
      expect(wish.manifests).toMatchObject([{ checkpointId: 1, kind }])
      run.commit(1)
      expect(await last).toMatchObject({ checkpointId: 1 })
    }
  })

  it('is tried again by the next attempt, if this one ends before (R37)', async () => {
    const queue = new SavepointQueue()
    const run = open(queue)
    const wish = new Wish(queue)
    await settle()
    await run.coordinator.close()
    expect(queue.isEmpty).toBe(false)
    const next = open(queue, { storage: run.storage, lastId: 1 }, run.fileSystem)
    await settle()
    expect(next.trigger).toMatchObject({ checkpointId: 2 })
    await next.answer()
    expect(wish).toMatchObject({ manifests: [{ checkpointId: 2 }], errors: [] })
  })

  it('is tried again where a last checkpoint fails, since another attempt may follow (R34)', async () => {
    const queue = new SavepointQueue()
    const run = open(queue)
    void run.coordinator.takeLast('final')
    const wish = new Wish(queue)
    await settle()
    run.decline(diskFull())
    expect(run.failures).toHaveLength(1)
    expect(wish.errors).toEqual([])
    expect(queue.isEmpty).toBe(false)
  })

  it('keeps its files while it is copied, through folding, retention and the next attempt', async () => {
    const queue = new SavepointQueue()
    const run = open(queue)
    run.states[2]!.now.set('a', '1')
    const wish = new Wish(queue)
    await settle()
    await run.answer()
    const manifest = wish.manifests[0]!
    for (let i = 0; i < 20; i++) {
      run.states[2]!.now.set('a', `${i}`)
      await run.checkpoint()
    }
    await run.coordinator.close()
    const next = open(
      queue,
      { storage: run.storage, lastId: 21, base: run.coordinator.newest, keptIds: [19, 20] },
      run.fileSystem,
    )
    for (const [index, state] of next.states.entries()) {
      state.restore(21, run.states[index]!.now)
    }
    await next.checkpoint()
    expect(await next.restored(2, manifest)).toEqual(new Map([['a', '1']]))
    queue.unpin(manifest)
    await next.checkpoint()
    await settle()
    await expect(next.restored(2, manifest)).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_CORRUPT',
    })
  })
})
