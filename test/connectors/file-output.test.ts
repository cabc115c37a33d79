import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkFileOutput,
  type Fate,
  fateOf,
  prepareFileOutput,
} from '../../connectors/file-output.ts'
import {
  finishedName,
  inProgressName,
  parseOutputName,
  pendingName,
} from '../../connectors/part-name.ts'
import type { OutputPolicy, PrepareOutputContext } from '../../runtime/sink.ts'
import { FaultFileSystem } from '../harness/fault-file-system.ts'

const OWN = 'a'.repeat(16)
const PARENT = 'b'.repeat(16)
const GRANDPARENT = 'c'.repeat(16)
const OTHER = 'd'.repeat(16)
const DIR = '/data/out'

const finished = (lineage: string, checkpointId: number, n = 0) =>
  finishedName({ lineage, checkpointId, subtaskIndex: 1, n, suffix: '.jsonl' })
const pending = (lineage: string, checkpointId: number, n = 0) =>
  pendingName(finished(lineage, checkpointId, n))
const inProgress = (lineage: string) =>
  inProgressName({ lineage, attempt: 2, subtaskIndex: 1, counter: 3, suffix: '.jsonl' })

/** Goes on from checkpoint 5 of the own lineage, which began at 9 of its parent, which began at 3 of another. */
const HISTORY = {
  current: { lineage: OWN, checkpointId: 5 },
  ancestry: [
    { lineage: PARENT, checkpointId: 9 },
    { lineage: GRANDPARENT, checkpointId: 3 },
  ],
}

describe('part names', () => {
  const number = fc.nat()
  const part = fc.record({
    lineage: fc.stringMatching(/^[0-9a-f]{16}$/),
    checkpointId: number,
    subtaskIndex: number,
    n: number,
    suffix: fc.constantFrom('.jsonl', '.csv.gz', ''),
  })

  it('are read back as they were written, hidden while unfinished', () => {
    fc.assert(
      fc.property(part, number, (one, attempt) => {
        const name = finishedName(one)
        expect(parseOutputName(name)).toEqual({ state: 'finished', part: one })
        expect(parseOutputName(pendingName(name))).toEqual({ state: 'pending', part: one })
        const { lineage, subtaskIndex, suffix } = one
        const hidden = inProgressName({ lineage, attempt, subtaskIndex, counter: 7, suffix })
        expect(parseOutputName(hidden)).toEqual({ state: 'in-progress', lineage })
        expect([pendingName(name)[0], hidden[0]]).toEqual(['.', '.'])
      }),
    )
  })

  it.each([
    '_SUCCESS',
    '.DS_Store',
    'part-00000-c000.snappy.parquet',
    'part-1-2-3-4.jsonl',
    `part-${OWN}-1-0-0.jsonl~`,
    `part-${OWN}-1-0.jsonl`,
    `.part-${OWN}-1-0-0.jsonl`,
    `.part-${OWN}-1-0-0.jsonl.pending.bak`,
    `x-part-${OWN}-1-0-0.jsonl`,
  ])('do not include %s', (name) => {
    expect(parseOutputName(name)).toEqual({ state: 'foreign' })
    expect(fateOf(name, HISTORY, new Set())).toBe('leave')
  })
})

describe('fateOf', () => {
  const cases: readonly (readonly [string, string, Fate])[] = [
    ['finished, own lineage, at the checkpoint', finished(OWN, 5), 'leave'],
    ['finished, own lineage, after it', finished(OWN, 6), 'take-back'],
    ['finished, parent, where this lineage began', finished(PARENT, 9), 'leave'],
    ['finished, parent, after that', finished(PARENT, 10), 'conflict'],
    ['finished, grandparent, where the parent began', finished(GRANDPARENT, 3), 'leave'],
    ['finished, grandparent, after that', finished(GRANDPARENT, 4), 'conflict'],
    ['finished, other lineage', finished(OTHER, 1), 'conflict'],
    ['pending, own lineage, at the checkpoint', pending(OWN, 5), 'remove'],
    ['pending, own lineage, after it', pending(OWN, 6), 'remove'],
    ['pending, parent, where this lineage began', pending(PARENT, 9), 'remove'],
    ['pending, parent, after that', pending(PARENT, 10), 'spare'],
    ['pending, other lineage', pending(OTHER, 1), 'spare'],
    ['in progress, own lineage', inProgress(OWN), 'remove'],
    ['in progress, parent', inProgress(PARENT), 'remove'],
    ['in progress, other lineage', inProgress(OTHER), 'remove'],
  ]

  it.each(cases)('of a file that is %s (R2, R3)', (_, name, fate) => {
    expect(fateOf(name, HISTORY, new Set())).toBe(fate)
  })

  it.each([OWN, PARENT, OTHER])(
    'leaves what the checkpoint has pending, of lineage %s (R33)',
    (lineage) => {
      const name = pending(lineage, 20)
      expect(fateOf(name, HISTORY, new Set([name]))).toBe('leave')
    },
  )
})

const ALL = [
  finished(OWN, 5),
  finished(OWN, 6),
  finished(PARENT, 9),
  finished(PARENT, 10),
  finished(OTHER, 1),
  pending(OWN, 4),
  pending(OWN, 5),
  pending(OTHER, 1),
  inProgress(OWN),
  inProgress(OTHER),
  '_SUCCESS',
  '.hidden',
]

async function folderWith(names: readonly string[]): Promise<FaultFileSystem> {
  const fileSystem = new FaultFileSystem([DIR])
  for (const name of names) await (await fileSystem.create(`${DIR}/${name}`)).close()
  return fileSystem
}

function context(policy: OutputPolicy): PrepareOutputContext & { readonly lines: string[] } {
  const lines: string[] = []
  const listed = [{ name: finished(OWN, 4), bytes: 0 }]
  return {
    uid: 'alerts',
    ...HISTORY,
    policy,
    pending: listed,
    log: (line) => lines.push(line),
    lines,
  }
}

async function prepare(policy: OutputPolicy, names: readonly string[]) {
  const fileSystem = await folderWith(names)
  const given = context(policy)
  await prepareFileOutput(fileSystem, DIR, given)
  const left = await fileSystem.list(DIR)
  // Once more, as after a crash: nothing changes.
  await prepareFileOutput(fileSystem, DIR, context(policy))
  expect(await fileSystem.list(DIR)).toEqual(left)
  const removed = names.filter((name) => !left.includes(name))
  expect(left.every((name) => names.includes(name))).toBe(true)
  return { removed: removed.sort(), lines: given.lines }
}

describe('checkFileOutput', () => {
  it.each(['refuse', 'replace', 'keep'] as const)(
    'with --output %s refuses what preparing refuses, and changes nothing (R2)',
    async (policy) => {
      const fileSystem = await folderWith(ALL)
      const checked = checkFileOutput(fileSystem, DIR, context(policy))
      if (policy !== 'refuse') await checked
      else
        await expect(checked).rejects.toMatchObject({
          code: 'MR_OUTPUT_CONFLICT',
          fields: { files: [finished(PARENT, 10), finished(OTHER, 1)] },
        })
      expect(await fileSystem.list(DIR)).toEqual([...ALL].sort())
    },
  )

  it('accepts a directory that is not there, and does not create it', async () => {
    const fileSystem = new FaultFileSystem(['/data'])
    await checkFileOutput(fileSystem, '/data/a/b', context('refuse'))
    expect(await fileSystem.list('/data')).toEqual([])
  })
})

describe('prepareFileOutput', () => {
  it('refuses output that this run does not continue, and then removes nothing (R2)', async () => {
    const fileSystem = await folderWith(ALL)
    const error = await prepareFileOutput(fileSystem, DIR, context('refuse')).catch(
      (e: unknown) => e,
    )
    expect(error).toMatchObject({
      name: 'StreamError',
      code: 'MR_OUTPUT_CONFLICT',
      fields: { directory: DIR, files: [finished(PARENT, 10), finished(OTHER, 1)], count: 2 },
    })
    expect((error as Error).message).toContain(finished(OTHER, 1))
    expect((error as Error).message).toMatch(/--output replace .*--output keep/)
    expect(await fileSystem.list(DIR)).toEqual([...ALL].sort())
  })

  it('lists some of many files', async () => {
    const names = Array.from({ length: 250 }, (_, n) => finished(OTHER, 1, n))
    const fileSystem = await folderWith(names)
    await expect(prepareFileOutput(fileSystem, DIR, context('refuse'))).rejects.toMatchObject({
      message: expect.stringContaining('… (250 in all)'),
      fields: { count: 250 },
    })
  })

  it('takes back own later output and removes leftovers (R3)', async () => {
    const names = ALL.filter((name) => fateOf(name, HISTORY, new Set()) !== 'conflict')
    const { removed, lines } = await prepare('refuse', names)
    const gone = [finished(OWN, 6), pending(OWN, 5), inProgress(OWN), inProgress(OTHER)]
    expect(removed).toEqual(gone.sort())
    expect(lines).toEqual([
      `${DIR}: took back 1 file (${finished(OWN, 6)}) committed after checkpoint 5`,
      expect.stringMatching(/left 1 file .* that another run has not committed/),
    ])
  })

  it('replaces just what it does not continue (R2)', async () => {
    const { removed, lines } = await prepare('replace', ALL)
    const kept = [finished(OWN, 5), finished(PARENT, 9), pending(OWN, 4), '_SUCCESS', '.hidden']
    expect(removed).toEqual(ALL.filter((name) => !kept.includes(name)).sort())
    expect(lines.at(-1)).toBe(`${DIR}: removed 3 files of another run`)
  })

  it('keeps what it does not continue, and takes back its own all the same (R2, R3)', async () => {
    const { removed } = await prepare('keep', ALL)
    const gone = [finished(OWN, 6), pending(OWN, 5), inProgress(OWN), inProgress(OTHER)]
    expect(removed).toEqual(gone.sort())
  })

  it('is silent where nothing is to be told', async () => {
    expect(await prepare('refuse', [finished(OWN, 5), inProgress(OWN)])).toMatchObject({
      lines: [],
    })
  })

  it('creates the directory with its parents, durably (R26)', async () => {
    const fileSystem = new FaultFileSystem(['/data'])
    await prepareFileOutput(fileSystem, '/data/a/b/c', context('refuse'))
    fileSystem.powerCut()
    expect(await fileSystem.size('/data/a/b/c')).toBeDefined()
  })

  it.each([
    ['ENOSPC', 'RestartableError'],
    ['EROFS', 'StreamError'],
  ])('finds out that it cannot write (%s) before any record is read', async (code, name) => {
    const fileSystem = new FaultFileSystem([DIR])
    fileSystem.faults = { fails: ({ kind }) => (kind === 'create' ? code : undefined) }
    await expect(prepareFileOutput(fileSystem, DIR, context('refuse'))).rejects.toMatchObject({
      name,
      code: 'MR_OUTPUT_FAILED',
      fields: { operator: 'alerts', path: DIR, systemCode: code },
    })
  })
})
