import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { LISTED, shareOf } from '../../../bench/profile/shares.ts'

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
}

it('every file that can be in a profile has a share', () => {
  const files = ['runtime', 'operators', 'connectors', 'bench'].flatMap(filesIn)
  expect(files.filter((path) => shareOf(path) === 'other')).toEqual([])
})

it('every path of the table is there, and in one share only', () => {
  expect(LISTED.filter((path) => !existsSync(path))).toEqual([])
  expect(new Set(LISTED).size).toBe(LISTED.length)
})

it.each([
  ['bench/nexmark/queries/q5.ts', 'user code'],
  ['bench/nexmark/source.ts', 'source and sink'],
  ['runtime/state/value-handle.ts', 'state'],
  ['runtime/state/timer-heap.ts', 'timers and windows'],
  ['runtime/channel/row-writer.ts', 'serialization'],
  ['runtime/channel/remote-channel.ts', 'shuffle'],
  ['runtime/not-listed.ts', 'other'],
  // Not the folder of this name.
  ['runtime/statement.ts', 'other'],
])('%s is %s: the longest path counts', (path, share) => {
  expect(shareOf(path)).toBe(share)
})
