import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { describeJob, planJob } from '../../runtime/job/planning.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'

const makeFolder = temporaryFolders()

/** Plans a module with that text, by path. */
async function plan(text: string, options: Parameters<typeof planJob>[1] = {}, name = 'job.mjs') {
  const path = join(await makeFolder(), name)
  await writeFile(path, text)
  return planJob(path, { timeoutMs: 5_000, ...options })
}

/** A job by its brand alone, as another copy of the package would make it (N7). */
const branded = (body = '') => `{
  [Symbol.for('millrace.job')]: 1,
  name: 'fake',
  parameters: [{ name: 'size', type: 'number', defaultText: '1', description: '' }],
  parseParams: (given) => ({ size: 1, ...given }),
  build: (params, shape) => { ${body}; return { graph: {}, plan: { job: 'fake', ...shape } } },
}`

describe('planning', () => {
  it('builds the graph in a thread of its own and returns it as data (N8)', async () => {
    const planned = await plan(`export default ${branded()}`, {
      parallelism: 3,
      params: { size: 7 },
    })
    expect(planned).toEqual({
      plan: { job: 'fake', parallelism: 3, maxParallelism: 1_024 },
      params: { size: 7 },
    })
  })

  it('takes a job that was compiled to CommonJS (N20)', async () => {
    const compiled = `Object.defineProperty(exports, '__esModule', { value: true }); exports.default = ${branded()}`
    expect((await plan(compiled, {}, 'job.cjs')).plan.job).toBe('fake')
    expect((await plan(`module.exports = ${branded()}`, {}, 'job.cjs')).plan.job).toBe('fake')
  })

  it('is not held up by what the module leaves open (N8)', async () => {
    const open = `
      import { createServer } from 'node:net'
      createServer().listen(0)
      setInterval(() => {}, 1000)
      export default ${branded()}`
    expect((await plan(open)).plan.job).toBe('fake')
  })

  it('hands on what the module writes to its console, as lines (N8, N16)', async () => {
    const lines: string[] = []
    const noisy = `
      console.log('one\\ntwo')
      process.stdout.write('thr')
      process.stdout.write('ee\\n')
      console.error('four')
      export default ${branded()}`
    await plan(noisy, { onLog: (line) => lines.push(line) })
    expect(lines).toEqual(['one', 'two', 'three', 'four'])
  })

  it.each<[string, string, string]>([
    ['MR_JOB_EXITED', 'process.exit(3)', 'exit code 3'],
    ['MR_JOB_FAILED_TO_LOAD', '\n\nthrow new TypeError("no such thing")', 'job.mjs:3'],
    ['MR_JOB_FAILED_TO_LOAD', 'throw null', 'null'],
    ['MR_JOB_FAILED_TO_LOAD', 'const x = ;', 'SyntaxError'],
    ['MR_JOB_FAILED_TO_LOAD', 'import "./missing.mjs"', 'missing.mjs'],
    [
      'MR_JOB_FAILED_TO_LOAD',
      `export default ${branded('throw new RangeError("too many")')}`,
      'too many',
    ],
    ['MR_JOB_INVALID', 'export const job = 1', 'exports no default'],
    ['MR_JOB_INVALID', 'export default () => {}', 'type function'],
    ['MR_JOB_INVALID', `export default { [Symbol.for('millrace.job')]: 2 }`, 'interface 2'],
  ])('fails with %s for a module that does %j (N8)', async (code, text, what) => {
    const error = await plan(text).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code, message: expect.stringContaining(what) })
    expect(error).toMatchObject({ message: expect.stringContaining('job.mjs') })
  })

  it.each([
    ['runs for ever while it is imported', 'for (;;);'],
    ['waits for ever while it is imported', 'await new Promise(() => {})'],
    ['builds its graph for ever', `export default ${branded('for (;;);')}`],
  ])('fails with MR_JOB_TIMEOUT for a module that %s (N8)', async (_, text) => {
    await expect(plan(text, { timeoutMs: 400 })).rejects.toMatchObject({ code: 'MR_JOB_TIMEOUT' })
  })

  it('fails for a module that fails after it was imported, before its graph is built (N8)', async () => {
    const late = `
      await new Promise((resolve) => setTimeout(resolve, 1))
      Promise.reject(new Error('nobody awaits me'))
      export default ${branded('for (let i = 0; i < 1e9; i++);')}`
    await expect(plan(late)).rejects.toMatchObject({
      code: 'MR_JOB_FAILED_TO_LOAD',
      message: expect.stringContaining('nobody awaits me'),
    })
  })

  it('tells a missing file from one that cannot be loaded (N8)', async () => {
    const folder = await makeFolder()
    await mkdir(join(folder, 'folder'))
    const url = pathToFileURL(join(folder, 'nowhere.ts'))
    await expect(planJob(url)).rejects.toMatchObject({ code: 'MR_JOB_MISSING' })
    await expect(planJob(join(folder, 'folder'))).rejects.toMatchObject({ code: 'MR_JOB_MISSING' })
  })

  it('describes a job whose graph cannot be built', async () => {
    const path = join(await makeFolder(), 'job.mjs')
    await writeFile(path, `export default ${branded('throw new Error("no graph")')}`)
    expect(await describeJob(path)).toMatchObject({ name: 'fake', parameters: [{ name: 'size' }] })
  })

  it('refuses parameter values that cannot be sent to a thread', async () => {
    const params = { size: () => 1 }
    await expect(plan(`export default ${branded()}`, { params })).rejects.toMatchObject({
      code: 'MR_PARAMETER_INVALID',
    })
  })
})
