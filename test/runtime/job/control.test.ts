import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SavepointSummary } from '../../../runtime/checkpoint/checkpoint-summary.ts'
import { StreamError } from '../../../runtime/errors.ts'
import { commandJob } from '../../../runtime/job/control-client.ts'
import {
  CONTROL_TYPE,
  type ControlAddress,
  type ControlCommand,
} from '../../../runtime/job/control-protocol.ts'
import { type ControlHandler, ControlServer } from '../../../runtime/job/control-server.ts'
import type { SavepointProgress } from '../../../runtime/job/savepoints.ts'
import { temporaryFolders } from './temporary-folder.ts'

const makeFolder = temporaryFolders()
const summary: SavepointSummary = {
  path: '/backup/7',
  lineage: 'one',
  checkpointId: 7,
  durationMs: 5,
  bytes: 20,
}
const savepoint: ControlCommand = { verb: 'savepoint', path: undefined }
let dir: string
let folder: string
let servers: ControlServer[]

beforeEach(async () => {
  dir = await makeFolder()
  folder = join(dir, 'cards')
  servers = []
  await mkdir(folder)
})

afterEach(async () => {
  for (const server of servers) await server.close()
})

async function open(handle: ControlHandler): Promise<ControlServer> {
  const server = await ControlServer.open(folder, handle)
  servers.push(server)
  return server
}

async function address(): Promise<ControlAddress> {
  return JSON.parse(await readFile(join(folder, 'control.json'), 'utf8')) as ControlAddress
}

/** The status of an answer to anyone. */
async function statusOf(options: {
  readonly method?: string
  readonly path?: string
  readonly token?: string
  readonly body?: string
}): Promise<number | undefined> {
  const { port, token } = await address()
  return new Promise((resolve, reject) => {
    const { method = 'POST', path = '/savepoint', body = '{}' } = options
    const headers = { authorization: `Bearer ${options.token ?? token}` }
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false })
    sent.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const job = () => ({ dir, job: 'cards' })

describe('a command to a running job', () => {
  it('is done, with news of how far it has come', async () => {
    const commands: ControlCommand[] = []
    await open((command, onProgress) => {
      commands.push(command)
      onProgress({ stage: 'checkpoint' })
      onProgress({ stage: 'copy', copied: 1, total: 2 })
      return Promise.resolve(summary)
    })
    const told: SavepointProgress[] = []
    const stop: ControlCommand = { verb: 'stop', path: '/backup/7', drain: true }
    expect(await commandJob(job(), stop, (progress) => told.push(progress))).toEqual(summary)
    expect(told).toEqual([{ stage: 'checkpoint' }, { stage: 'copy', copied: 1, total: 2 }])
    expect(await commandJob(job(), savepoint)).toEqual(summary)
    expect(commands).toEqual([stop, savepoint])
  })

  it('fails as the run says, with its code', async () => {
    const error = new StreamError('MR_SAVEPOINT_TARGET', 'It is not empty.', { path: '/backup' })
    await open(() => Promise.reject(error))
    await expect(commandJob(job(), savepoint)).rejects.toMatchObject({
      code: 'MR_SAVEPOINT_TARGET',
      message: 'It is not empty.',
      fields: { path: '/backup' },
    })
  })

  it('waits for its answer while others have theirs', async () => {
    const answers: (() => void)[] = []
    const asked = Promise.withResolvers<void>()
    await open(() => {
      return new Promise((resolve) => {
        if (answers.push(() => resolve(summary)) === 2) asked.resolve()
      })
    })
    const both = [commandJob(job(), savepoint), commandJob(job(), savepoint)]
    await asked.promise
    answers[1]!()
    expect(await Promise.race(both)).toEqual(summary)
    answers[0]!()
    await Promise.all(both)
  })

  it('is lost when the run goes away without an answer', async () => {
    // As the kernel does for a process that was killed: some of the answer is there, and the connection ends.
    const run = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': CONTROL_TYPE })
      const line = JSON.stringify({ type: 'progress', progress: { stage: 'checkpoint' } })
      response.write(`${line}\n{"type":"done"`, () => response.destroy())
    })
    await new Promise<void>((resolve) => run.listen(0, '127.0.0.1', resolve))
    const { port } = run.address() as AddressInfo
    const file = join(folder, 'control.json')
    await writeFile(file, JSON.stringify({ port, token: 'a', pid: 4_711 }))
    const told: SavepointProgress[] = []
    const lost = commandJob(job(), savepoint, (progress) => told.push(progress))
    await expect(lost).rejects.toMatchObject({
      code: 'MR_COMMAND_LOST',
      message: expect.stringContaining('process 4711') as string,
    })
    expect(told).toEqual([{ stage: 'checkpoint' }])
    run.close()
  })

  it.each(['nothing', 'garbage', 'a dead port', 'a stranger'])(
    'finds nobody where there is %s',
    async (what) => {
      const file = join(folder, 'control.json')
      const stranger = createServer((_request, response) => response.end('hello'))
      await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
      const { port } = stranger.address() as AddressInfo
      if (what !== 'a stranger') stranger.close()
      if (what === 'garbage') await writeFile(file, '{"port":')
      if (what === 'a dead port' || what === 'a stranger') {
        await writeFile(file, JSON.stringify({ port, token: 'a', pid: 1 }))
      }
      await expect(commandJob(job(), savepoint)).rejects.toMatchObject({
        code: 'MR_JOB_NOT_RUNNING',
      })
      await expect(commandJob({ dir, job: 'card' }, savepoint)).rejects.toMatchObject({
        code: 'MR_JOB_NOT_RUNNING',
        message: expect.stringContaining('there is state of cards') as string,
      })
      stranger.close()
    },
  )

  it('says so when it cannot read where to go', async () => {
    await mkdir(join(folder, 'control.json'))
    await expect(commandJob(job(), savepoint)).rejects.toMatchObject({
      code: 'MR_DIRECTORY_UNUSABLE',
    })
  })
})

describe('a run that takes commands', () => {
  it('tells only who may read its folder where, and listens to nobody else (N25)', async () => {
    let calls = 0
    await open(() => {
      calls++
      return Promise.resolve(summary)
    })
    expect((await stat(join(folder, 'control.json'))).mode & 0o777).toBe(0o600)
    const { token } = await address()
    expect(token).toMatch(/^[0-9a-f]{64}$/)
    expect(await statusOf({ token: '' })).toBe(403)
    expect(await statusOf({ token: `${token.slice(1)}0` })).toBe(403)
    expect(await statusOf({ method: 'GET' })).toBe(404)
    expect(await statusOf({ path: '/exit' })).toBe(404)
    for (const body of ['', '{"path":1}', '[', 'x'.repeat(100_000)]) {
      expect(await statusOf({ body })).toBe(400)
    }
    expect(calls).toBe(0)
    expect(await statusOf({})).toBe(200)
  })

  it('takes none any more when it is over, but answers those it has', async () => {
    const answer = Promise.withResolvers<SavepointSummary>()
    const asked = Promise.withResolvers<void>()
    const server = await open(() => {
      asked.resolve()
      return answer.promise
    })
    const running = commandJob(job(), savepoint)
    await asked.promise
    const before = await readFile(join(folder, 'control.json'), 'utf8')
    await server.withdraw()
    await expect(commandJob(job(), savepoint)).rejects.toMatchObject({ code: 'MR_JOB_NOT_RUNNING' })
    await writeFile(join(folder, 'control.json'), before)
    await expect(commandJob(job(), savepoint)).rejects.toMatchObject({ code: 'MR_JOB_NOT_RUNNING' })
    const closing = server.close()
    answer.resolve(summary)
    expect(await running).toEqual(summary)
    await closing
  })
})
