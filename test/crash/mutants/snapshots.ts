import { type Mutant, unit } from './mutant.ts'

const collecting = 'runtime/inspect/collect-garbage.test.ts'
const reading = 'runtime/inspect/snapshot.test.ts'
const verifying = 'runtime/inspect/verify-snapshots.test.ts'
const writing = 'runtime/rewrite/write-savepoint.test.ts'

/** Looking into snapshots, writing savepoints, and removing what crashes have left. */
export const SNAPSHOTS: readonly Mutant[] = [
  {
    name: 'gc-beside-a-run',
    what: 'garbage is removed although a run holds the lock (R4, R29)',
    file: 'runtime/inspect/collect-garbage.ts',
    find: 'const isRemoved = lock !== undefined && !dryRun',
    replace: 'const isRemoved = !dryRun',
    killers: [unit(collecting, 'removes nothing beside a run')],
  },
  {
    name: 'gc-of-the-next-checkpoint',
    what: 'what a run writes for its next checkpoint is told as garbage (R29)',
    file: 'runtime/inspect/collect-garbage.ts',
    find: 'if (!isAlone && id > newest) continue',
    replace: '',
    killers: [unit(collecting, 'leaves out what that may be writing')],
  },
  {
    name: 'gc-behind-damage',
    what: 'files are removed that a damaged manifest may name (R29)',
    file: 'runtime/inspect/collect-garbage.ts',
    find: `\${error.message.split('; ')[0]}\`)
      return`,
    replace: `\${error.message.split('; ')[0]}\`)`,
    killers: [unit(collecting, 'leaves a lineage alone in which a manifest is damaged')],
  },
  {
    name: 'gc-frees-the-highest-id',
    what: 'the folder of the highest id goes, and the id is given out again (R1)',
    file: 'runtime/inspect/collect-garbage.ts',
    find: 'unnamed.length === names.length && id !== highest',
    replace: 'unnamed.length === names.length',
    killers: [unit(collecting, 'removes what no checkpoint names')],
  },
  {
    name: 'snapshot-not-held',
    what: 'a snapshot that is read is gone when the run retires it',
    file: 'runtime/inspect/held-files.ts',
    find: 'if (handle !== undefined) handles.set(name, handle)',
    replace: 'await handle?.close()',
    killers: [unit(reading, 'stays readable while a run retires it')],
  },
  {
    name: 'snapshot-of-the-first-subtask',
    what: 'a state is read from one subtask only (semantics 2.8)',
    file: 'runtime/inspect/snapshot-parts.ts',
    find: `.filter((part) => uid in part.watermarks)
    .toSorted`,
    replace: `.filter((part) => uid in part.watermarks && part.subtaskIndex === 0)
    .toSorted`,
    killers: [unit(reading, 'holds what the states held, of every kind')],
  },
  {
    name: 'verify-stops-at-damage',
    what: 'of several bad blocks of a file one is told (R27)',
    file: 'runtime/checkpoint/segment-reader.ts',
    find: '        yield error\n',
    replace: '        yield error\n        return\n',
    killers: [unit(verifying, 'goes on behind damage')],
  },
  {
    name: 'sorted-runs-in-reverse',
    what: 'of entries with one key in two runs the earlier one is left',
    file: 'runtime/rewrite/entry-sorter.ts',
    find: 'return [...readers.map((reader) => reader.blocks(range)), this.#inMemory(range)]',
    replace:
      'return [this.#inMemory(range), ...readers.map((reader) => reader.blocks(range)).toReversed()]',
    killers: [unit('runtime/rewrite/entry-sorter.test.ts', 'leaves the last of each key')],
  },
  {
    name: 'sorted-first-of-a-key',
    what: 'of entries with one key in memory the first one is left',
    file: 'runtime/rewrite/entry-arena.ts',
    find: 'const next = order[i + 1]',
    replace: 'const next = order[i - 1]',
    killers: [unit('runtime/rewrite/entry-sorter.test.ts', 'leaves the last of each key')],
  },
  {
    name: 'written-list-beside-the-old',
    what: 'a list that is put empty stays as it was',
    file: 'runtime/rewrite/new-entries.ts',
    find: "return [cleared, { key: pieceKey(prefix, 0), kind: 'delete', value: NOTHING }]",
    replace: 'return []',
    killers: [unit(writing, 'puts whole lists in place of what there was')],
  },
  {
    name: 'written-in-old-key-groups',
    what: 'for another maximum parallelism keys stay in their key groups (semantics 2.8)',
    file: 'runtime/rewrite/savepoint-writer.ts',
    find: 'sorter.add(inKeyGroup(keyGroupOf(key, header.maxParallelism), entry))',
    replace: 'sorter.add(inKeyGroup(keyGroupOf(key, 128) % header.maxParallelism, entry))',
    killers: [unit(writing, 'moves all keys to other key groups')],
  },
  {
    name: 'written-without-ancestry',
    what: 'a savepoint that was edited does not say what it came from (R2)',
    file: 'runtime/rewrite/write-savepoint.ts',
    find: '[{ lineage: before.lineage, checkpointId: before.checkpointId }, ...before.ancestry]',
    replace: '[]',
    killers: [unit(writing, 'in a lineage of its own with the other as ancestor')],
  },
  {
    name: 'written-age-lost',
    what: 'a value that was changed in a savepoint has no time of last access any more (semantics 2.17)',
    file: 'runtime/rewrite/edit-entries.ts',
    find: 'if (domain === undefined) writeEntryValue(writer, version, value, what, front)',
    replace: 'if (Number(version) > 0) writeEntryValue(writer, version, value, what, front)',
    killers: [unit(writing, 'keeps versions and times of last access')],
  },
]
