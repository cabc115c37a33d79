import { afterEach, describe, expect, it } from 'vitest'
import type { CheckpointCoordinatorOptions } from '../../../runtime/checkpoint/checkpoint-coordinator.ts'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import { MAX_CHAIN } from '../../../runtime/checkpoint/fold-plan.ts'
import { RestartableError, StreamError } from '../../../runtime/errors.ts'
import { continuingOf } from '../../harness/checkpoint-fixtures.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'
import { changed, CoordinatorRun, INTERVAL, settle, SUBTASKS, TIMEOUT } from './coordinator-kit.ts'

const runs: CoordinatorRun[] = []

function open(options: Partial<CheckpointCoordinatorOptions> = {}, files?: FaultFileSystem) {
  const run = new CoordinatorRun(options, files)
  runs.push(run)
  return run
}

afterEach(async () => {
  for (const run of runs.splice(0)) {
    run.fileSystem.faults = {}
    await run.coordinator.close()
  }
})

const diskFull = () => new RestartableError('MR_CHECKPOINT_FAILED', 'The disk is full.')

/** A storage whose publications wait until they are let go. */
function slowStorage() {
  const files = new FaultFileSystem(['/storage'])
  const inner = createFileStorage({ directory: '/storage', fileSystem: files })
  const waiting: (() => void)[] = []
  const storage = changed(inner, {
    async publish(manifest) {
      await new Promise<void>((resolve) => waiting.push(resolve))
      return inner.publish(manifest)
    },
  })
  return { storage, files, release: () => waiting.shift()?.() }
}

describe('CheckpointCoordinator', () => {
  describe('a checkpoint', () => {
    it('is triggered after an interval, in the slot with the enumerators, and then again', async () => {
      const run = open()
      run.coordinator.start()
      await settle()
      expect(run.commands).toEqual([])
      await run.next()
      expect(run.commands).toEqual([
        { slot: 0, command: { type: 'trigger', checkpointId: 1, baseId: 0, kind: 'checkpoint' } },
      ])
      await run.answer()
      await run.next()
      expect(run.trigger).toMatchObject({ checkpointId: 2, baseId: 1 })
    })

    it('is published when all parts and the enumerators are there, and only then told (R26)', async () => {
      const { storage, files, release } = slowStorage()
      const run = await open({ storage }, files).start()
      await run.answer()
      expect(run.completed).toEqual([])
      expect(run.commands.map(({ command }) => command.type)).toEqual(['trigger'])
      release()
      await settle()
      expect(await storage.list()).toEqual([1])
      expect(run.completed).toMatchObject([
        { checkpointId: 1, kind: 'checkpoint', path: '/storage/chk-1' },
      ])
      expect(run.commands.slice(1)).toEqual([
        { slot: 0, command: { type: 'checkpoint-completed', checkpointId: 1 } },
        { slot: 1, command: { type: 'checkpoint-completed', checkpointId: 1 } },
      ])
      expect(run.points).toEqual([
        'before-trigger',
        'after-trigger',
        'before-publish',
        'after-publish',
        'after-notify',
      ])
    })

    it.each([0, 1, 2, 3])('waits for part %i', async (absent) => {
      const run = await open().start()
      const { checkpointId, baseId } = run.trigger!
      run.report({ type: 'enumerators', checkpointId, states: {} })
      for (const [i, id] of SUBTASKS.entries()) {
        if (i !== absent) await run.acknowledge(i, id, { checkpointId, baseId })
      }
      await settle()
      expect(run.completed).toEqual([])
      await run.acknowledge(absent, SUBTASKS[absent]!, { checkpointId, baseId })
      await settle()
      expect(run.completed.length).toBe(1)
    })

    it('waits for the enumerators (R31)', async () => {
      const run = await open().start()
      const { checkpointId, baseId } = run.trigger!
      for (const [i, id] of SUBTASKS.entries())
        await run.acknowledge(i, id, { checkpointId, baseId })
      await settle()
      expect(run.completed).toEqual([])
      run.report({ type: 'enumerators', checkpointId, states: { cards: Uint8Array.of(0) } })
      await settle()
      expect((await run.storage.readManifest(1)).enumerators).toEqual({ cards: Uint8Array.of(0) })
    })

    it('is one at a time: none begins while one is under way', async () => {
      const run = await open().start()
      await run.next()
      await run.next()
      expect(run.trigger!.checkpointId).toBe(1)
      await run.answer()
      await run.next()
      expect(run.trigger!.checkpointId).toBe(2)
    })

    it('begins an interval after the beginning of the one before, and a pause after its end (semantics 2.7)', async () => {
      const run = await open({ minPauseMs: INTERVAL / 2 }).start()
      run.clock.advance(INTERVAL / 4)
      await run.answer()
      expect(run.clock.nextDelay).toBe((INTERVAL * 3) / 4)
      await run.next()
      run.clock.advance(INTERVAL * 2)
      await run.answer()
      expect(run.trigger!.checkpointId).toBe(2)
      expect(run.clock.nextDelay).toBe(INTERVAL / 2)
    })

    it('leaves no timer behind', async () => {
      const run = await open().start()
      await run.answer()
      expect(run.clock.nextDelay).toBe(INTERVAL)
      run.clock.advance(INTERVAL - 1)
      expect(run.clock.nextDelay).toBe(1)
      await run.next()
      run.decline(diskFull())
      expect(run.clock.nextDelay).toBe(1)
      await run.coordinator.close()
      expect(run.clock.nextDelay).toBeUndefined()
    })

    it('waits for folding rather than name a chain that is too long (R29)', async () => {
      const run = open({ tolerableFailures: 100 })
      run.fileSystem.faults = {
        fails: ({ kind, path }) =>
          kind === 'write' && path.includes('fold') ? 'ENOSPC' : undefined,
      }
      run.coordinator.start()
      for (let i = 0; i < 25; i++) {
        const before = run.trigger
        run.states[2]!.now.set('a', String(i))
        await run.next()
        if (run.trigger !== before) await run.answer()
      }
      const chain = async (id: number) => (await run.storage.readManifest(id)).subtasks[2]!.segments
      expect((await chain(run.completed.at(-1)!.checkpointId)).length).toBe(MAX_CHAIN - 1)
      expect(run.aborted.at(-1)!.error.code).toBe('MR_CHECKPOINT_FAILED')
      run.fileSystem.faults = {}
      await run.checkpoint()
      expect((await chain(run.completed.at(-1)!.checkpointId)).length).toBeLessThan(10)
    })

    it('counts the time from the trigger and the bytes of segments and manifest', async () => {
      const run = await open().start()
      run.states[2]!.now.set('a', 'x'.repeat(10_000))
      run.clock.advance(250)
      await run.answer()
      expect(run.completed[0]!.durationMs).toBe(250)
      expect(run.completed[0]!.bytes).toBeGreaterThan(10_000)
    })
  })

  describe('ids (R1)', () => {
    it('rise from the highest that was ever given, also over restarts', async () => {
      const first = await open({ lastId: 7 }).start()
      expect(first.trigger!.checkpointId).toBe(8)
      await first.coordinator.close()
      const second = await open({ lastId: 7 }, first.fileSystem).start()
      expect(second.trigger!.checkpointId).toBe(9)
    })
  })

  describe('changes (R24)', () => {
    it('of a declined or expired checkpoint go into the next one: its base is the last completed', async () => {
      const run = await open().start()
      await run.answer()
      await run.next()
      run.decline(diskFull())
      await run.next()
      expect(run.trigger).toMatchObject({ checkpointId: 3, baseId: 1 })
      run.clock.advance(TIMEOUT)
      await settle()
      await run.next()
      expect(run.trigger).toMatchObject({ checkpointId: 4, baseId: 1 })
      await run.answer()
      await run.next()
      expect(run.trigger).toMatchObject({ checkpointId: 5, baseId: 4 })
    })

    it('begin at the checkpoint that was restored', async () => {
      const first = await open().start()
      first.states[2]!.now.set('a', '1')
      await first.answer()
      await first.coordinator.close()
      const base = await first.storage.readManifest(1)
      const second = await open({ base, lastId: 1 }, first.fileSystem).start()
      expect(second.trigger).toMatchObject({ checkpointId: 2, baseId: 1 })
      second.states[2]!.restore(1, first.states[2]!.now)
      second.states[2]!.now.set('b', '2')
      await second.answer()
      const manifest = await second.storage.readManifest(2)
      expect(manifest.subtasks[2]!.segments.length).toBe(2)
      expect(await second.restored(2, manifest)).toEqual(second.states[2]!.now)
    })

    it('of a subtask that does not go on with its chain are all there is', async () => {
      const first = await open().start()
      first.states[2]!.now.set('a', '1')
      await first.answer()
      await first.coordinator.close()
      const base = await first.storage.readManifest(1)
      const continuing = continuingOf(base)
      continuing.delete('counts/0')
      const second = await open({ base, lastId: 1, continuing }, first.fileSystem).start()
      second.states[2]!.now.set('a', '1')
      second.states[2]!.now.set('b', '2')
      await second.answer()
      const manifest = await second.storage.readManifest(2)
      expect(manifest.subtasks[2]!.segments.length).toBe(1)
    })
  })

  describe('failures', () => {
    it('abort the checkpoint everywhere, are told, and the next one comes after an interval', async () => {
      const run = await open().start()
      run.decline(diskFull())
      expect(run.aborted).toMatchObject([
        { checkpointId: 1, error: { code: 'MR_CHECKPOINT_FAILED' } },
      ])
      expect(run.commands.slice(1)).toEqual([
        { slot: 0, command: { type: 'checkpoint-aborted', checkpointId: 1 } },
        { slot: 1, command: { type: 'checkpoint-aborted', checkpointId: 1 } },
      ])
      await settle()
      expect(run.trigger!.checkpointId).toBe(1)
      await run.next()
      expect(run.trigger!.checkpointId).toBe(2)
      expect(run.failures).toEqual([])
    })

    it('name who has not answered when the time is over', async () => {
      const run = await open().start()
      const { checkpointId, baseId } = run.trigger!
      await run.acknowledge(0, SUBTASKS[0]!, { checkpointId, baseId })
      await run.acknowledge(2, SUBTASKS[2]!, { checkpointId, baseId })
      run.clock.advance(TIMEOUT - 1)
      expect(run.aborted).toEqual([])
      run.clock.advance(1)
      expect(run.aborted[0]!.error).toMatchObject({
        code: 'MR_CHECKPOINT_TIMEOUT',
        message: expect.stringMatching(
          /within 10000 ms by the enumerators, cards\[1\], counts\[1\];/,
        ) as string,
      })
    })

    it('name the channels that have not delivered the barrier, and who has declined', async () => {
      const { vertex, subtask } = SUBTASKS[3]!
      const missing = ['cards[0]']
      const alignments = () => [{ subtask: { vertex, subtask }, checkpointId: 1, missing }]
      const run = await open({ alignments }).start()
      run.clock.advance(TIMEOUT)
      expect(run.aborted[0]!.error.message).toMatch(
        /counts\[0\], counts\[1\] \(no barrier has come from cards\[0\]\);/,
      )
      await run.next()
      run.decline(diskFull())
      expect(run.aborted[1]!.error).toMatchObject({
        code: 'MR_CHECKPOINT_FAILED',
        message: expect.stringMatching(/^The disk is full\. It is counts\[1\] that/) as string,
        fields: { declinedBy: 'counts[1]' },
      })
    })

    it('in a row fail the attempt when there are too many; a completed one in between starts anew', async () => {
      const run = await open({ tolerableFailures: 2 }).start()
      for (let i = 0; i < 2; i++) {
        run.decline(diskFull())
        await run.next()
      }
      await run.answer()
      for (let i = 0; i < 3; i++) {
        expect(run.failures).toEqual([])
        await run.next()
        run.decline(diskFull())
      }
      expect(run.failures).toMatchObject([{ code: 'MR_CHECKPOINT_FAILED' }])
      const before = run.trigger
      await run.next()
      expect(run.trigger).toBe(before)
    })

    it('end the attempt at once where another run has taken the job over, which commits nothing', async () => {
      const fencing = slowStorage()
      const fenced = new StreamError('MR_JOB_FENCED', 'Another run has it.')
      const storage = changed(fencing.storage, { publish: () => Promise.reject(fenced) })
      const run = await open({ storage, tolerableFailures: 100 }, fencing.files).start()
      await run.answer()
      expect(run.failures).toEqual([fenced])
      // It is no failure of the checkpoint, whose changes would go into the next one.
      expect([run.completed, run.aborted]).toEqual([[], []])
      const before = run.trigger
      await run.next()
      expect(run.trigger).toBe(before)
    })

    it('of the reservation of an id count too', async () => {
      const run = open({ tolerableFailures: 0 })
      run.fileSystem.faults = {
        fails: ({ kind }) => (kind === 'makeDirectory' ? 'EROFS' : undefined),
      }
      await run.start()
      expect(run.trigger).toBeUndefined()
      expect(run.aborted).toMatchObject([
        { checkpointId: 1, error: { code: 'MR_DIRECTORY_UNUSABLE' } },
      ])
      expect(run.failures).toMatchObject([{ code: 'MR_DIRECTORY_UNUSABLE' }])
    })

    it('of the publication abort the checkpoint, and the next one holds its changes (R24, R26)', async () => {
      const run = await open().start()
      run.states[3]!.now.set('a', '1')
      run.fileSystem.faults = {
        fails: ({ kind, path }) =>
          kind === 'sync' && path.includes('manifest') ? 'EIO' : undefined,
      }
      await run.answer()
      expect(run.completed).toEqual([])
      expect(run.aborted.length).toBe(1)
      run.fileSystem.faults = {}
      await run.checkpoint()
      const manifest = await run.storage.readManifest(2)
      expect(await run.restored(3, manifest)).toEqual(run.states[3]!.now)
      expect(await run.storage.list()).toEqual([2])
    })

    it('do not come from declines and parts that are late', async () => {
      const run = await open().start()
      run.decline(diskFull())
      run.decline(diskFull())
      await run.next()
      expect(run.aborted.length).toBe(1)
      const late = await run.partOf(2, 1, 0)
      run.report({ type: 'acknowledge', checkpointId: 1, subtask: SUBTASKS[2]!, part: late })
      run.report({ type: 'enumerators', checkpointId: 1, states: { cards: Uint8Array.of(9) } })
      run.states[2]!.now.set('a', '1')
      await run.answer()
      const manifest = await run.storage.readManifest(2)
      expect(manifest.enumerators).toEqual({ cards: Uint8Array.of(0) })
      expect(manifest.subtasks[2]!.segments[0]!.file).toMatch(/^chk-2\//)
    })

    it('cannot befall a checkpoint that is being published: no timeout, no decline', async () => {
      const { storage, files, release } = slowStorage()
      const run = await open({ storage }, files).start()
      await run.answer()
      run.clock.advance(TIMEOUT * 2)
      run.decline(diskFull())
      await settle()
      expect(run.aborted).toEqual([])
      release()
      await settle()
      expect(run.completed.length).toBe(1)
      await run.next()
      expect(run.trigger).toMatchObject({ checkpointId: 2, baseId: 1 })
    })
  })

  describe('a full disk', () => {
    it('declines the checkpoint, whose files go; the earlier one stays good and the next one holds all', async () => {
      const run = await open().start()
      run.states[2]!.now.set('a', '1')
      await run.answer()
      await run.next()
      run.states[2]!.now.set('b', '2')
      run.states[3]!.now.set('c', '3')
      const { checkpointId, baseId } = run.trigger!
      await run.acknowledge(2, SUBTASKS[2]!, { checkpointId, baseId })
      expect(run.files()).toContain('chk-2/counts-0-1.seg')
      run.fileSystem.faults = { fails: ({ kind }) => (kind === 'write' ? 'ENOSPC' : undefined) }
      const error = await run.partOf(3, checkpointId, baseId).then(
        () => undefined,
        (thrown: Error) => thrown,
      )
      expect(error).toMatchObject({ code: 'MR_CHECKPOINT_FAILED' })
      run.decline(error!)
      await settle()
      expect(run.files().filter((file) => file.startsWith('chk-2'))).toEqual([])
      expect(await run.restored(2, await run.storage.readManifest(1))).toEqual(
        new Map([['a', '1']]),
      )
      run.fileSystem.faults = {}
      await run.checkpoint()
      const manifest = await run.storage.readManifest(3)
      for (const i of [2, 3]) expect(await run.restored(i, manifest)).toEqual(run.states[i]!.now)
    })

    it('is relieved of what a killed attempt left as soon as the next one begins', async () => {
      const first = await open().start()
      await first.answer()
      await first.next()
      first.states[2]!.now.set('a', '1')
      await first.partOf(2, 2, 1)
      await first.coordinator.close()
      const base = await first.storage.readManifest(1)
      const second = await open({ base, lastId: 1 }, first.fileSystem).start()
      expect(second.trigger!.checkpointId).toBe(3)
      expect(second.files()).toEqual(['chk-1/manifest.json'])
    })

    it('may come again and again without taking more space', async () => {
      const run = await open({ tolerableFailures: 100 }).start()
      run.states[2]!.now.set('a', '1')
      await run.answer()
      const before = run.files()
      for (let i = 0; i < 20; i++) {
        await run.next()
        run.states[2]!.now.set('b', String(i))
        const { checkpointId, baseId } = run.trigger!
        await run.acknowledge(2, SUBTASKS[2]!, { checkpointId, baseId })
        run.decline(diskFull())
        await settle()
      }
      expect(run.files()).toEqual(before)
    })
  })

  describe('a run that is killed after each publication, before anything is removed', () => {
    it('does not leave one more checkpoint each time (R29)', async () => {
      const files = new FaultFileSystem(['/storage'])
      const storage = createFileStorage({ directory: '/storage', fileSystem: files })
      const stop = (point: string): void => {
        if (point === 'after-publish') files.faults = { stopAt: files.operations.length }
      }
      for (let life = 1; life <= 6; life++) {
        const ids = await storage.list()
        const lastId = ids.at(-1) ?? 0
        const base = lastId === 0 ? undefined : await storage.readManifest(lastId)
        const keptIds = ids.slice(0, -1)
        const run = await open({ base, lastId, keptIds, failpoint: stop }, files).start()
        await run.answer()
        await run.coordinator.close()
        files.restart()
      }
      expect(await storage.list()).toEqual([3, 4, 5, 6])
    })
  })

  describe('finished subtasks (R9)', () => {
    it('are asked for their part with every later checkpoint', async () => {
      const run = open()
      for (const i of [1, 3]) run.report({ type: 'subtask-finished', subtask: SUBTASKS[i]! })
      await run.start()
      expect(run.commands[1]).toMatchObject({
        slot: 1,
        command: {
          type: 'snapshot-ended',
          checkpointId: 1,
          baseId: 0,
          subtasks: [SUBTASKS[1], SUBTASKS[3]],
        },
      })
      await run.answer()
      await run.next()
      expect(run.commands.at(-1)!.command).toMatchObject({
        type: 'snapshot-ended',
        checkpointId: 2,
      })
    })

    it('are asked at once when they finish while a checkpoint waits for them', async () => {
      const run = await open().start()
      const { checkpointId, baseId } = run.trigger!
      await run.acknowledge(0, SUBTASKS[0]!, { checkpointId, baseId })
      run.report({ type: 'subtask-finished', subtask: SUBTASKS[0]! })
      expect(run.commands.length).toBe(1)
      run.report({ type: 'subtask-finished', subtask: SUBTASKS[3]! })
      expect(run.commands[1]).toMatchObject({
        slot: 1,
        command: {
          type: 'snapshot-ended',
          checkpointId,
          baseId,
          subtasks: [{ vertex: 1, subtask: 1 }],
        },
      })
    })

    it('are asked before they have finished too, from the end of their input on, to stop as well (R14)', async () => {
      const run = await open().start()
      const { checkpointId, baseId } = run.trigger!
      run.report({ type: 'input-ended', subtask: SUBTASKS[3]! })
      const asked = { type: 'snapshot-ended', subtasks: [{ vertex: 1, subtask: 1 }] }
      expect(run.commands[1]).toMatchObject({
        slot: 1,
        command: { ...asked, checkpointId, baseId, kind: 'checkpoint' },
      })
      await run.answer()
      void run.coordinator.takeLast('stop')
      await settle()
      expect(run.commands.at(-1)).toMatchObject({ slot: 1, command: { ...asked, kind: 'stop' } })
    })

    it('end the periodic checkpoints when all have finished', async () => {
      const run = open()
      run.coordinator.start()
      for (const subtask of SUBTASKS) run.report({ type: 'subtask-finished', subtask })
      expect(run.coordinator.allFinished).toBe(true)
      await run.next()
      await run.next()
      expect(run.trigger).toBeUndefined()
    })
  })

  describe('the last checkpoint', () => {
    it('of a stop has its own barrier, and is done when all commits are (R14)', async () => {
      const run = await open().start()
      await run.answer()
      let result: unknown
      void run.coordinator.takeLast('stop').then((summary) => (result = summary))
      await settle()
      expect(run.trigger).toMatchObject({ checkpointId: 2, kind: 'stop' })
      await run.answer()
      expect((await run.storage.readManifest(2)).kind).toBe('stop')
      run.commit(1)
      for (const subtask of SUBTASKS.slice(1))
        run.report({ type: 'committed', checkpointId: 2, subtask })
      await settle()
      expect(result).toBeUndefined()
      run.report({ type: 'committed', checkpointId: 2, subtask: SUBTASKS[0]! })
      await settle()
      expect(result).toMatchObject({ checkpointId: 2, kind: 'stop' })
      await run.next()
      await run.next()
      expect(run.trigger!.checkpointId).toBe(2)
    })

    it('of finished input is marked final, and is not a stop to anyone (R34)', async () => {
      const run = open()
      run.coordinator.start()
      for (const subtask of SUBTASKS) run.report({ type: 'subtask-finished', subtask })
      void run.coordinator.takeLast('final')
      await settle()
      expect(run.trigger).toMatchObject({ kind: 'checkpoint' })
      await run.answer()
      expect((await run.storage.readManifest(1)).kind).toBe('final')
    })

    it('does not wait for a fold that is under way', async () => {
      const run = open()
      run.coordinator.start()
      for (let i = 0; i < 8; i++) {
        run.states[2]!.now.set('a', String(i).repeat(100_000))
        await run.checkpoint()
      }
      expect(run.files().filter((file) => file.includes('fold')).length).toBe(1)
      let result: unknown
      void run.coordinator.takeLast('stop').then((summary) => (result = summary))
      await settle()
      await run.answer()
      run.commit(9)
      await settle()
      expect(result).toMatchObject({ checkpointId: 9 })
      expect(run.files().filter((file) => file.includes('fold'))).toEqual([])
    })

    it('leaves no file of a fold that is done too late for it', async () => {
      const files = new FaultFileSystem(['/storage'])
      const inner = createFileStorage({ directory: '/storage', fileSystem: files })
      let release: (() => void) | undefined
      const storage = changed(inner, {
        async create(checkpointId, name) {
          const writer = await inner.create(checkpointId, name)
          if (!name.startsWith('fold')) return writer
          return {
            name: writer.name,
            write: (chunk) => writer.write(chunk),
            async finish() {
              await new Promise<void>((resolve) => (release = resolve))
              return writer.finish()
            },
            abort: () => writer.abort(),
          }
        },
      })
      const run = open({ storage }, files)
      run.coordinator.start()
      for (let i = 0; i < 8; i++) {
        run.states[2]!.now.set('a', String(i))
        await run.checkpoint()
      }
      let result: unknown
      void run.coordinator.takeLast('final').then((summary) => (result = summary))
      await settle()
      await run.answer()
      run.commit(9)
      await settle()
      release!()
      await settle()
      expect(result).toMatchObject({ checkpointId: 9 })
      expect(run.files().filter((file) => file.includes('fold'))).toEqual([])
    })

    it('follows one that is under way', async () => {
      const run = await open().start()
      void run.coordinator.takeLast('stop')
      await settle()
      expect(run.trigger).toMatchObject({ checkpointId: 1, kind: 'checkpoint' })
      await run.answer()
      expect(run.trigger).toMatchObject({ checkpointId: 2, baseId: 1, kind: 'stop' })
    })

    it('follows one under way that is given up', async () => {
      const run = await open().start()
      void run.coordinator.takeLast('stop')
      run.decline(diskFull())
      await settle()
      expect(run.failures).toEqual([])
      expect(run.trigger).toMatchObject({ checkpointId: 2, baseId: 0, kind: 'stop' })
    })

    it('takes over a trigger that is being reserved', async () => {
      const run = open()
      run.coordinator.start()
      run.clock.advance(INTERVAL)
      void run.coordinator.takeLast('stop')
      await settle()
      expect(run.trigger).toMatchObject({ checkpointId: 1, kind: 'stop' })
      expect(run.commands.filter(({ command }) => command.type === 'trigger').length).toBe(1)
    })

    it.each(['stop', 'final'] as const)(
      'fails the attempt when it fails: %s (R34)',
      async (kind) => {
        const run = open()
        run.coordinator.start()
        void run.coordinator.takeLast(kind)
        await settle()
        run.decline(diskFull())
        expect(run.failures).toMatchObject([{ code: 'MR_CHECKPOINT_FAILED' }])
      },
    )
  })

  describe('close', () => {
    it('waits for a publication under way, which then exists or does not', async () => {
      const { storage, files, release } = slowStorage()
      const run = await open({ storage }, files).start()
      await run.answer()
      let isClosed = false
      const closing = run.coordinator.close().then(() => (isClosed = true))
      await settle()
      expect(isClosed).toBe(false)
      release()
      await closing
      expect(await storage.list()).toEqual([1])
      expect(run.completed).toEqual([])
      expect(run.commands.map(({ command }) => command.type)).toEqual(['trigger'])
    })

    it('ends everything: late parts publish nothing, no timer triggers or aborts', async () => {
      const run = await open().start()
      await run.coordinator.close()
      await run.answer()
      run.decline(diskFull())
      run.clock.advance(TIMEOUT * 3)
      await settle()
      expect(await run.storage.list()).toEqual([])
      expect(run.commands.length).toBe(1)
      expect(run.aborted).toEqual([])
      expect(run.failures).toEqual([])
    })

    it('takes no last checkpoint after that: the lock of the directory may be free by then (R4)', async () => {
      const run = await open().start()
      await run.answer()
      await run.coordinator.close()
      void run.coordinator.takeLast('stop')
      await settle()
      expect(await run.fileSystem.list('/storage')).toEqual(['chk-1'])
    })

    it('forgets a trigger that is being reserved', async () => {
      const run = open()
      run.coordinator.start()
      run.clock.advance(INTERVAL)
      await run.coordinator.close()
      await settle()
      expect(run.commands).toEqual([])
    })
  })
})
