import { type Mutant, unit } from './mutant.ts'

const restored = (title: string) => unit('runtime/state/restored-base.test.ts', title)
const chain = (title: string) => unit('runtime/checkpoint/chain-base.test.ts', title)
const PLAIN = 'says what plain maps say while'

/** State that is used while it is being loaded (R28). */
export const RESTORING: readonly Mutant[] = [
  {
    name: 'deleted-comes-back',
    what: 'what was deleted while its key group was not loaded is found in the checkpoint again (R28)',
    file: 'runtime/state/state-table.ts',
    find: 'isInBase ? NO_VALUE : undefined',
    replace: 'undefined',
    killers: [restored('keeps in mind what was deleted'), restored(PLAIN)],
  },
  {
    name: 'loaded-over-newer',
    what: 'what is loaded takes the place of what was written since (R28)',
    file: 'runtime/state/base-loader.ts',
    find: 'if (!spill.knows(key)) this',
    replace: 'this',
    killers: [restored('over a write that has not landed'), restored(PLAIN)],
  },
  {
    name: 'pending-write-forgotten',
    what: 'what is loaded takes the place of a write that was under way (R22, R28)',
    file: 'runtime/state/spill.ts',
    find: 'if (this.#pendingKeys!.has(readLatin1(key, 0, key.length))) return true',
    replace: '',
    killers: [restored('over a write that has not landed')],
  },
  {
    name: 'deletion-lost-in-the-load',
    what: 'what is deleted while state is being loaded stays in the working copy (R22, R28)',
    file: 'runtime/state/spill.ts',
    find: 'if (write.value === undefined) bulk.bulk.del(write.key)',
    replace: 'if (write.value === undefined) return',
    killers: [restored('keeps in mind what was deleted')],
  },
  {
    name: 'written-not-looked-for',
    what: 'what was written of a key group that is not loaded is looked for in the checkpoint only (R28)',
    file: 'runtime/state/state-table.ts',
    find: 'spill.mightHaveWritten(key, key.length) ? spill.read(key) : undefined',
    replace: 'undefined',
    killers: [restored(PLAIN)],
  },
  {
    name: 'loaded-before-landed',
    what: 'a key group counts as loaded while its entries are still on their way to the working copy (R28)',
    file: 'runtime/state/base-loader.ts',
    find: 'spill.hasLanded(this.#landing[0]!.number)',
    replace: 'true',
    killers: [restored('what is still on its way')],
  },
  {
    name: 'map-without-index',
    what: 'maps are loaded without the index of their keys (R17, R28)',
    file: 'runtime/state/base-loader.ts',
    find: 'this.#put(privateKeyOf(this.#map), this.#index.copy())',
    replace: '',
    killers: [restored('finds every key at once'), restored(PLAIN)],
  },
  {
    name: 'failed-loading-has-ended',
    what: 'loading that fails counts as the end of what there is (R27)',
    file: 'runtime/state/base-loader.ts',
    find: 'if (this.#hasFailed) return false',
    replace: '',
    killers: [restored('does not take the end of a failed reading')],
  },
  {
    name: 'swallowed-damage',
    what: 'damage that a look-up meets ends no attempt where user code catches it (R27)',
    file: 'runtime/state/base-level.ts',
    find: 'this.#fail(error)',
    replace: '',
    killers: [restored('tells of damage that a look-up meets')],
  },
  {
    name: 'visit-of-half-the-keys',
    what: 'keys are visited before all are loaded (R28)',
    file: 'runtime/state/keyed-backend.ts',
    find: 'this.#loading !== undefined || this.isSuspended',
    replace: 'this.isSuspended',
    killers: [restored('visits no key before all are loaded')],
  },
  {
    name: 'clear-looked-past',
    what: 'a look-up finds what a later clear of the map has removed (R24, R28)',
    file: 'runtime/checkpoint/chain-base.ts',
    find: 'if (segment.isCleared(prefix, prefixHash)) return undefined',
    replace: '',
    killers: [chain('says of every key'), chain('finds what a clear at the end of a block')],
  },
  {
    name: 'unchecked-look-up',
    what: 'a look-up reads a block whatever its checksum says (R27)',
    file: 'runtime/checkpoint/segment-lookup.ts',
    find: 'checkBlock(target, block)',
    replace: '',
    killers: [chain('names file and key groups of a block that is damaged')],
  },
  {
    name: 'damaged-block-kept',
    what: 'a block that was damaged when it was read stands in the cache for the next look-up (R27)',
    file: 'runtime/checkpoint/block-cache.ts',
    find: '    fill(bytes)\n    this.#freed',
    replace: '    this.#blocks.set(name, { place, bytes })\n    fill(bytes)\n    this.#freed',
    killers: [unit('runtime/checkpoint/block-cache.test.ts', 'has for each block what was read')],
  },
  {
    name: 'filter-without-maps',
    what: 'the filters of segments do not know what stands before the sub-keys of maps (R28)',
    file: 'runtime/checkpoint/segment-filter.ts',
    find: 'if (prefix !== this.#lastPrefix) this.#addHash(prefix)',
    replace: '',
    killers: [
      unit('runtime/checkpoint/segment-index.test.ts', 'leads to the block of every key'),
      chain('says of every key'),
    ],
  },
]
