import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { otherBin } from '../../cli/hand-over.ts'
import { StreamError } from '../../runtime/errors.ts'

let folder: string

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'millrace-hand-over-')))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

/** Installs a copy of the package into a folder's node_modules, as far as it is looked at. */
async function install(into: string): Promise<string> {
  const root = join(into, 'node_modules/millrace')
  await mkdir(root, { recursive: true })
  await writeFile(
    join(root, 'package.json'),
    '{ "name": "millrace", "bin": { "millrace": "bin/millrace.js" } }',
  )
  return root
}

describe('otherBin', () => {
  it('is that of the copy which the job imports, found from the folder of the job (N7)', async () => {
    const copy = await install(folder)
    const jobs = join(folder, 'src/jobs')
    await mkdir(jobs, { recursive: true })
    await writeFile(join(jobs, 'job.ts'), '')
    expect(otherBin(join(jobs, 'job.ts'), '/elsewhere')).toBe(join(copy, 'bin/millrace.js'))
    expect(otherBin(join(jobs, 'missing.ts'), '/elsewhere')).toBe(join(copy, 'bin/millrace.js'))
  })

  it('is none if that is the own copy, whatever links lead there (N7)', async () => {
    const copy = await install(folder)
    const user = join(folder, 'user')
    await mkdir(join(user, 'node_modules'), { recursive: true })
    await symlink(copy, join(user, 'node_modules/millrace'))
    expect(otherBin(join(user, 'job.ts'), copy)).toBeUndefined()
  })

  it('follows a linked job to where its imports are resolved', async () => {
    const copy = await install(join(folder, 'real'))
    await writeFile(join(folder, 'real/job.ts'), '')
    await symlink(join(folder, 'real/job.ts'), join(folder, 'job.ts'))
    expect(otherBin(join(folder, 'job.ts'), '/elsewhere')).toBe(join(copy, 'bin/millrace.js'))
  })

  it('names npm i millrace when there is no copy (N7)', () => {
    try {
      otherBin(join(folder, 'job.ts'), '/elsewhere')
      expect.unreachable()
    } catch (error) {
      expect((error as StreamError).code).toBe('MR_DEPENDENCY_MISSING')
      expect((error as StreamError).message).toContain(`npm i millrace in ${folder}`)
    }
  })

  it('leaves a job in a folder that does not exist to whoever opens it', () => {
    expect(otherBin(join(folder, 'nowhere/job.ts'), '/elsewhere')).toBeUndefined()
  })
})
