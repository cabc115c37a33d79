import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../../cli/command.ts'
import {
  verifySnapshots,
  type VerifiedSnapshot,
} from '../../../runtime/inspect/verify-snapshots.ts'
import { FakeHost } from '../../cli/fake-host.ts'
import { temporaryFolders } from '../job/temporary-folder.ts'
import { ChainSnapshots } from './chain-snapshot.ts'

const makeFolder = temporaryFolders()
let snapshots: ChainSnapshots
let path: string

beforeEach(async () => {
  snapshots = await ChainSnapshots.create(await makeFolder())
  for (let checkpoint = 0; checkpoint < 2; checkpoint++) {
    for (let key = 0; key < 300; key++) {
      snapshots.at(key, undefined, ({ value }) => value.update('x'.repeat(500) + checkpoint))
    }
    path = await snapshots.take()
  }
  return () => snapshots.close()
})

async function verify(where: string): Promise<VerifiedSnapshot[]> {
  const all: VerifiedSnapshot[] = []
  for await (const one of verifySnapshots(where)) all.push(one)
  return all
}

describe('verifying snapshots', () => {
  it('reads every file once, and finds nothing wrong with what is right (R27)', async () => {
    const [first, second] = await verify(snapshots.directory)
    expect(first).toMatchObject({ files: 2, damages: [], checkpointId: 1 })
    expect(second).toMatchObject({ files: 2, damages: [], path })
    const alone = await verify(path)
    expect(alone).toMatchObject([{ files: 4, bytes: first!.bytes + second!.bytes }])
  })

  it('finds any flipped byte, of segments and of manifests (R27)', async () => {
    const names = await readdir(path)
    const files = await Promise.all(
      names.map(async (name) => ({
        file: join(path, name),
        bytes: await readFile(join(path, name)),
      })),
    )
    const flip = fc.record({
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fromEnd: fc.boolean(),
      bit: fc.nat(7),
    })
    for (const { file, bytes } of files) {
      await fc.assert(
        fc.asyncProperty(flip, async ({ at, fromEnd, bit }) => {
          // Half of them near the end: index and footer are small.
          const span = fromEnd ? Math.min(200, bytes.length) : bytes.length
          const position = bytes.length - 1 - Math.floor(at * span)
          const spoiled = Buffer.from(bytes)
          spoiled[position]! ^= 1 << bit
          await writeFile(file, spoiled)
          const [found] = await verify(path)
          expect(found!.damages).toHaveLength(1)
          expect(found!.damages[0]).toContain(basename(file))
        }),
        { numRuns: 40 },
      )
      await writeFile(file, bytes)
    }
    expect((await verify(path))[0]!.damages).toEqual([])
  })

  it('goes on behind damage, and names all of it with file and key groups', async () => {
    const [first, second] = (await readdir(path)).filter((name) => name.endsWith('.seg'))
    const bytes = await readFile(join(path, first!))
    expect(bytes.length).toBeGreaterThan(70_000)
    bytes[10]! ^= 1
    bytes[68_000]! ^= 1
    await writeFile(join(path, first!), bytes)
    await truncate(join(path, second!), 1_000)
    await rm(join(dirname(path), 'chk-1', first!))
    const [found] = await verify(path)
    const damages = found!.damages.join('\n')
    expect(found!.damages).toHaveLength(4)
    expect(damages).toContain(`chk-1/${first} is missing`)
    expect(damages).toMatch(/chk-2\/op-0\.seg, key groups \d+ to \d+, is damaged/)
    expect(damages).toContain(`chk-2/${second} ends at byte 1000`)
  })

  it('says of a manifest what is wrong, and goes on with the others', async () => {
    await writeFile(join(path, 'manifest.json'), 'torn')
    const [first, second] = await verify(dirname(path))
    expect(first!.damages).toEqual([])
    expect(second!.damages).toMatchObject([expect.stringContaining('is damaged')])
  })
})

describe('millrace checkpoints verify', () => {
  it('ends with 0 if all is right, and with 1 and all damage if not', async () => {
    const good = new FakeHost()
    expect(await runCommand(['checkpoints', 'verify', path], good)).toBe(0)
    expect(good.stdout.text).toContain('all right (4 files read')
    await rm(join(dirname(path), 'chk-1/op-0.seg'))
    const bad = new FakeHost()
    expect(await runCommand(['checkpoints', 'verify', dirname(path)], bad)).toBe(1)
    expect(bad.stdout.text.match(/DAMAGED/g)).toHaveLength(2)
    expect(bad.stdout.text).toContain('chk-1/op-0.seg is missing')
    const json = new FakeHost()
    expect(await runCommand(['checkpoints', 'verify', path, '--json'], json)).toBe(1)
    expect(JSON.parse(json.stdout.text)).toMatchObject({ checkpointId: 2, files: 4 })
  })
})
