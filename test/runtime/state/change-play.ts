import { expect } from 'vitest'
import { Change } from '../../../runtime/state/change.ts'
import { ChangeLog } from '../../../runtime/state/change-log.ts'
import type { EntryRun } from '../../../runtime/state/entry-run.ts'
import { RunStore } from '../../../runtime/state/run-store.ts'
import type { StateEntry, StateSnapshot } from '../../../runtime/state/state-backend.ts'
import { SimulatedFiles } from '../../../testing/simulated-files.ts'
import { applySegment, type Contents, hex, turn, entriesOf } from '../../contract/state-harness.ts'

/** Keys of one map begin with the same byte. */
export const MAPS = 3
export const KEYS = 4

export type Step =
  | { readonly kind: 'set'; readonly map: number; readonly key: number; readonly value: number }
  | { readonly kind: 'remove' | 'evict'; readonly map: number; readonly key: number }
  | { readonly kind: 'clear'; readonly map: number }
  /** Something that is in no cell is stored, or deleted where the value is 0. */
  | { readonly kind: 'log'; readonly key: number; readonly value: number }
  /** The snapshot before ends first; it need not have been told. */
  | { readonly kind: 'barrier'; readonly before: 'completed' | 'aborted' | 'untold' }
  | { readonly kind: 'abort' | 'work' }
  /** So many steps of the files happen; so many entries of the snapshot are read. */
  | { readonly kind: 'land' | 'read'; readonly count: number }

class Cell extends Change {
  readonly key: Uint8Array
  value: number | undefined

  constructor(key: Uint8Array) {
    super()
    this.key = key
  }

  override get keyGroup(): number {
    return this.key.at(-1)! % 3
  }

  override encode(run: EntryRun): void {
    if (this.value === undefined && !this.existed) return
    run.beginEntry(this.value === undefined ? 'delete' : 'put')
    run.writer.append(this.key)
    run.beginValue()
    if (this.value !== undefined) run.writer.u8(this.value)
  }

  override settle(): void {}
}

/** A snapshot that has been begun. */
interface Taken {
  readonly id: number
  readonly snapshot: StateSnapshot
  /** The state of the moment of the barrier. */
  readonly expected: ReadonlyMap<string, number>
  /** What was read of it so far. */
  readonly entries: StateEntry[]
  reading: Iterator<StateEntry> | undefined
}

export interface PlayOptions {
  readonly shareBytes: number
  readonly maxRuns: number
}

/** Files whose operations happen when the test says so. */
export class LateFiles {
  readonly tasks: (() => void)[] = []
  readonly files: SimulatedFiles = new SimulatedFiles((task) => this.tasks.push(task))

  async land(count: number): Promise<void> {
    for (let i = 0; i < count && this.tasks.length > 0; i++) {
      this.tasks.shift()!()
      await turn()
    }
  }
}

/** A log of changes beside plain maps that say what each snapshot must hold (R24, R25). */
export class ChangePlay {
  readonly #late: LateFiles = new LateFiles()
  readonly #log: ChangeLog
  readonly #cells: Map<string, Cell> = new Map()
  readonly #plain: Map<string, number> = new Map()
  #taken: Taken | undefined
  #lastId = 0
  #base = 0
  #contents: Contents = new Map()
  #failure: unknown

  constructor(options: PlayOptions) {
    this.#log = new ChangeLog({
      store: new RunStore({
        ...options,
        fileSystem: this.#late.files,
        directory: '/work',
        wake() {},
        fail: (error) => {
          this.#failure = error
        },
      }),
      keyGroups: 4,
      changesInRun: 4,
    })
    for (let map = 0; map < MAPS; map++) {
      for (let key = 0; key < KEYS; key++) {
        const bytes = Uint8Array.of(map, key)
        this.#cells.set(hex(bytes), new Cell(bytes))
      }
    }
  }

  /** Returns how many files were there at most. */
  async run(steps: readonly Step[]): Promise<number> {
    let files = 0
    for (const step of steps) {
      await this.#step(step)
      files = Math.max(files, this.#late.files.names.length)
    }
    this.#barrier('aborted')
    this.#barrier('completed')
    this.#barrier('completed')
    for (let i = 0; i < 100; i++) {
      this.#log.work(() => true)
      await this.#late.land(10)
    }
    // Nobody needs any file any more.
    expect([this.#late.files.names, this.#failure]).toEqual([[], undefined])
    await this.#log.close()
    return files
  }

  async #step(step: Step): Promise<void> {
    switch (step.kind) {
      case 'set':
        await this.#room()
        this.#set(this.#cell(step), step.value)
        break
      case 'remove':
        this.#set(this.#cell(step), undefined)
        break
      case 'evict': {
        const cell = this.#cell(step)
        if (cell.stamp !== 0) this.#log.encodeEarly(cell)
        break
      }
      case 'clear':
        this.#clear(step.map)
        break
      case 'log': {
        const key = Uint8Array.of(MAPS, step.key)
        if (step.value === 0) this.#plain.delete(hex(key))
        else this.#plain.set(hex(key), step.value)
        this.#log.log(key, step.value === 0 ? undefined : Uint8Array.of(step.value))
        break
      }
      case 'barrier':
        this.#barrier(step.before)
        break
      case 'abort':
        if (this.#taken !== undefined) this.#abort(this.#taken)
        break
      case 'work':
        this.#log.work(() => true)
        break
      case 'land':
        await this.#late.land(step.count)
        break
      case 'read':
        this.#read(step.count)
    }
  }

  /** As the input would: waits while too much is under way. */
  async #room(): Promise<void> {
    for (let i = 0; this.#log.isExceeded; i++) {
      expect(i).toBeLessThan(1_000)
      this.#log.work(() => true)
      await this.#late.land(1)
    }
  }

  #cell({ map, key }: { readonly map: number; readonly key: number }): Cell {
    return this.#cells.get(hex(Uint8Array.of(map, key)))!
  }

  #set(cell: Cell, value: number | undefined): void {
    const exists = cell.value !== undefined
    if (!exists && value === undefined) return
    if (cell.stamp !== this.#log.interval) this.#log.touch(cell, exists)
    cell.value = value
    if (value === undefined) this.#plain.delete(hex(cell.key))
    else this.#plain.set(hex(cell.key), value)
  }

  #clear(map: number): void {
    for (let key = 0; key < KEYS; key++) {
      const cell = this.#cell({ map, key })
      if (cell.stamp !== 0 && cell.stamp !== this.#log.interval) this.#log.encodeFirst(cell)
      if (cell.stamp !== 0) this.#log.leave(cell)
      cell.value = undefined
      this.#plain.delete(hex(cell.key))
    }
    this.#log.logClear((run) => run.writer.u8(map))
  }

  #barrier(before: 'completed' | 'aborted' | 'untold'): void {
    if (this.#taken !== undefined) {
      if (before === 'completed') this.#complete(this.#taken)
      else if (before === 'aborted') this.#abort(this.#taken)
    }
    // Whoever was writing it notices at its next entry.
    this.#taken?.reading?.return?.()
    const id = ++this.#lastId
    const snapshot = this.#log.begin(id, this.#base)
    const expected = new Map(this.#plain)
    this.#taken = { id, snapshot, expected, entries: [], reading: undefined }
  }

  #abort({ id, reading }: Taken): void {
    this.#log.abort(id)
    this.#taken = undefined
    reading?.return?.()
  }

  #read(count: number): void {
    const taken = this.#taken
    if (taken?.snapshot.isEncoded !== true) return
    taken.reading ??= entriesOf(taken.snapshot)
    for (let i = 0; i < count; i++) {
      const { done, value } = taken.reading.next()
      if (done === true) return
      taken.entries.push({ ...value, key: value.key.slice(), value: value.value.slice() })
    }
  }

  #complete(taken: Taken): void {
    while (!taken.snapshot.isEncoded) this.#log.work(() => true)
    this.#read(Infinity)
    const keys = taken.entries.map(({ key }) => hex(key))
    expect(keys).toEqual([...new Set(keys)].sort())
    this.#contents = applySegment(this.#contents, taken.entries)
    const found = [...this.#contents].map(([key, { value }]) => [key, value[0]!] as const)
    expect(new Map(found.sort())).toEqual(new Map([...taken.expected].sort()))
    this.#log.complete(taken.id)
    this.#base = taken.id
    this.#taken = undefined
  }
}
