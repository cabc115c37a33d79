import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { requirePeer } from '../../runtime/optional-peer.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'peer-'))
})

afterAll(() => rmSync(folder, { recursive: true }))

it('loads what is installed, the one that everybody else gets', () => {
  expect(requirePeer('papaparse', 'csv()', 'use json()')).toBe(
    createRequire(import.meta.url)('papaparse'),
  )
})

it.each([
  ['millrace-no-such-package', 'npm install millrace-no-such-package"'],
  ['millrace-no-such-package/lib/file.js', 'npm install millrace-no-such-package"'],
  ['@millrace/none/file.js', 'npm install @millrace/none"'],
])('names both ways out when %s is missing', (name, command) => {
  expect(() => requirePeer(name, 'avro()', 'use json() for this topic')).toThrow(
    expect.objectContaining({
      name: 'StreamError',
      code: 'MR_DEPENDENCY_MISSING',
      message: expect.stringMatching(
        new RegExp(
          `^avro\\(\\) needs the package ${name}, which is not installed; .*${command}.*, or use json\\(\\) for this topic\\.$`,
        ),
      ),
    }),
  )
})

it.each([
  ['throws', 'throw new Error("too old a Node")', 'Error: too old a Node'],
  ['lacks a package of its own', 'require("millrace-no-such-package")', 'millrace-no-such-package'],
])('does not take a package for missing that %s', (title, code, reason) => {
  const file = join(folder, `${title.replaceAll(' ', '-')}.cjs`)
  writeFileSync(file, code)
  expect(() => requirePeer(file, 'avro()', 'use json()')).toThrow(
    expect.objectContaining({
      code: 'MR_DEPENDENCY_MISSING',
      message: expect.stringMatching(new RegExp(`installed but cannot be loaded \\(.*${reason}`)),
      cause: expect.any(Error),
    }),
  )
})
