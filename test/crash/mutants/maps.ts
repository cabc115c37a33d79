import { type Mutant, unit } from './mutant.ts'

const pages = (title: string) => unit('runtime/state/map-pages.test.ts', title)
const everything = pages('evicted, checkpointed, aborted and restored')

/** Maps, and the pages of their keys. */
export const MAPS: readonly Mutant[] = [
  {
    name: 'order-of-insertion',
    what: 'map state is iterated over in the order of insertion (R17)',
    file: 'runtime/state/map-pages.ts',
    find: 'root.sorted().map((order) => root.key(order)) : undefined',
    replace: '[...map.cells.values()].map((cell) => cell.key) : undefined',
    killers: [unit('runtime/state/memory-backend.test.ts', 'in the order of the encoded keys')],
  },
  {
    name: 'one-page',
    what: 'all keys of a map are one page, however many they are (R23)',
    file: 'runtime/state/map-pages.ts',
    find: 'if (index.keyBytes > this.#pageBytes && index.size > 1) this.#cut(map, cell, order)',
    replace: '',
    killers: [pages('are read and written a page at a time')],
  },
  {
    name: 'root-with-every-key',
    what: 'the root of a map is written with every key that comes (R23)',
    file: 'runtime/state/map-pages.ts',
    find: 'this.#changed(cell, index)\n    if (index.keyBytes',
    replace: 'this.#changed(cell, index)\n    map.root!.isDirty = true\n    if (index.keyBytes',
    killers: [pages('are read and written a page at a time')],
  },
  {
    name: 'page-left-behind',
    what: 'a page that has become empty stays in the working copy (R23)',
    file: 'runtime/state/map-pages.ts',
    find: 'if (cell.isSpilled) this.#table.evict(cell)\n    else this.#table.detach(cell)',
    replace: 'this.#table.detach(cell)',
    killers: [pages('leave no page behind')],
  },
  {
    name: 'empty-pages-trusted',
    what: 'a map of which the checkpoint seems to have keys, but has none, is not empty (R28)',
    file: 'runtime/state/map-pages.ts',
    find: 'while (root instanceof MapDirectory && !root.isSure) {',
    replace: 'while (root instanceof MapDirectory && root.size === 0) {',
    killers: [everything],
  },
  {
    name: 'page-from-the-neighbour',
    what: 'what is read for a page of a restored map ends where the map does (R28)',
    file: 'runtime/state/map-cell.ts',
    find: 'bounds[this.number - 1], bounds[this.number]))',
    replace: 'bounds[this.number - 1]))',
    killers: [everything, pages('are restored without being read')],
  },
  {
    name: 'page-loaded-elsewhere',
    what: 'a key that is loaded in the background is in another page than the one it is looked for in (R28)',
    file: 'runtime/state/base-loader.ts',
    find: 'return bound !== undefined && Buffer.compare(subKey, bound) >= 0',
    replace: 'return bound !== undefined && Buffer.compare(subKey, bound) > 0',
    killers: [everything, pages('are restored without being read')],
  },
  {
    name: 'walk-finds-new-keys',
    what: 'keys that are put while a map is iterated over show in it, as pages end (R17)',
    file: 'runtime/state/map-walk.ts',
    find: 'else this.#added.add(order)',
    replace: '',
    killers: [
      unit('runtime/state/map-walk.test.ts', 'wherever pages end'),
      pages('are walked over as they were'),
    ],
  },
  {
    name: 'walk-misses-what-came-back',
    what: 'a key that goes and comes back while a map is iterated over is left out, as pages end (R17)',
    file: 'runtime/state/map-walk.ts',
    find: 'if (this.#removed.delete(order)) this.#isStale = true',
    replace: 'if (this.#removed.delete(order)) return',
    killers: [unit('runtime/state/map-walk.test.ts', 'wherever pages end')],
  },
  {
    name: 'stretch-of-what-was-cleared',
    what: 'the keys of a map in a checkpoint are those from before it was cleared (R24, R28)',
    file: 'runtime/checkpoint/chain-base.ts',
    find: 'if (segment.isCleared(key, hash)) break',
    replace: '',
    killers: [unit('runtime/checkpoint/chain-base.test.ts', 'says of every key')],
  },
]
