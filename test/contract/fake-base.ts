import { hashBytes } from '../../runtime/key-hash.ts'
import { stateIdIn, subKeyAt } from '../../runtime/state/snapshot-format.ts'
import type {
  KeyedStateBackend,
  RestoredBase,
  StateEntry,
} from '../../runtime/state/state-backend.ts'
import { type Contents, hex, toRestore, turn } from './state-harness.ts'
import { IDS } from './state-model.ts'

/** Entries in a page of a base. */
const PAGE = 5

/**
 * What a chain of segments holds, from memory: in small pages, and with many keys that only seem to be there. Whatever is read
 * after it was closed fails.
 */
export class FakeBase implements RestoredBase {
  readonly memoryBytes = 0
  readonly #contents: Contents
  readonly #prefixes: Set<string>
  isClosed = false

  constructor(contents: Contents) {
    this.#contents = contents
    this.#prefixes = new Set(
      [...contents.values()].map(({ key }) => hex(key.subarray(0, subKeyAt(key)))),
    )
  }

  get entryCount(): number {
    return this.#contents.size
  }

  mightHold(key: Uint8Array): boolean {
    this.#mustBeOpen()
    if (this.#contents.has(hex(key)) || this.#prefixes.has(hex(key))) return true
    return hashBytes(key, 0, key.length) % 4 === 0
  }

  read(key: Uint8Array): Uint8Array | undefined {
    this.#mustBeOpen()
    return this.#contents.get(hex(key))?.value.slice()
  }

  subKeys(key: Uint8Array, from?: Uint8Array, before?: Uint8Array): readonly Uint8Array[] {
    this.#mustBeOpen()
    return toRestore(this.#contents)
      .filter((entry) => entry.key.length > key.length && hex(entry.key).startsWith(hex(key)))
      .map((entry) => entry.key.subarray(key.length))
      .filter((subKey) => from === undefined || hex(subKey) >= hex(from))
      .filter((subKey) => before === undefined || hex(subKey) < hex(before))
  }

  /** Before each second sub-key and behind it, so that pieces hold one, and there are pieces without any. */
  bounds(key: Uint8Array): readonly Uint8Array[] {
    return this.subKeys(key).flatMap((subKey, i) =>
      i % 2 === 1 ? [] : [subKey, Buffer.concat([subKey, Buffer.of(0)])],
    )
  }

  async *entries(stateIds: ReadonlySet<number>): AsyncGenerator<readonly StateEntry[]> {
    const wanted = toRestore(this.#contents).filter(({ key }) => stateIds.has(stateIdIn(key)))
    for (let at = 0; at < wanted.length; at += PAGE) {
      await turn()
      this.#mustBeOpen()
      yield wanted.slice(at, at + PAGE)
    }
  }

  async close(): Promise<void> {
    this.#mustBeOpen()
    this.isClosed = true
  }

  #mustBeOpen(): void {
    if (this.isClosed) throw new Error('a base is read after its end')
  }
}

/** Restores contents: everything at once, or timers at once and all else behind what is done next. */
export async function restoreInto(
  backend: KeyedStateBackend,
  contents: Contents,
  options: { readonly asChanges?: boolean; readonly isLazy?: boolean | undefined } = {},
): Promise<void> {
  const { asChanges = false, isLazy = false } = options
  if (asChanges || !isLazy || !backend.canAdopt) {
    await backend.restore(toRestore(contents), { asChanges })
    return
  }
  const isTimer = (id: number): boolean => id === IDS.event || id === IDS.processing
  await backend.restore(toRestore(contents).filter(({ key }) => isTimer(stateIdIn(key))))
  backend.adopt(new FakeBase(contents))
}
