import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseCommand } from '../../cli/args.ts'
import { runCommand } from '../../cli/command.ts'
import type { Host } from '../../cli/host.ts'
import { coded, FakeHost, FakeStream } from './fake-host.ts'

type Asked = Parameters<Host['commandJob']>

/** Runs a command line; says what the running job was asked. */
async function command(
  ...argv: string[]
): Promise<{ readonly code: number; readonly host: FakeHost; readonly asked: readonly Asked[] }> {
  const host = new FakeHost()
  const asked: Asked[] = []
  const { commandJob } = host
  host.commandJob = (...args) => {
    asked.push(args)
    return commandJob(...args)
  }
  return { code: await runCommand(argv, host), host, asked }
}

describe('a command to a running job', () => {
  it('prints the path of the savepoint, and tells on stderr how far it has come', async () => {
    const { code, host, asked } = await command('savepoint', 'cards')
    expect(code).toBe(0)
    expect(host.stdout.text).toBe('/backup/7\n')
    expect(host.stderr.lines).toEqual([
      'waiting for a checkpoint …',
      'copying it: 10 B of 20 B …',
      '',
    ])
    expect(asked[0]!.slice(0, 2)).toEqual([
      { dir: '.millrace', job: 'cards' },
      { verb: 'savepoint', path: undefined },
    ])
  })

  it('writes the path alone as JSON with --json', async () => {
    const { code, host } = await command('stop', 'cards', '--json')
    expect(code).toBe(0)
    expect(host.stdout.text).toBe('{"path":"/backup/7"}\n')
  })

  it('takes the path from the folder that it is called in, and the job by its file', async () => {
    const { asked } = await command('stop', 'jobs/cards.ts', 'there', '--drain', '--dir', 'state')
    expect(asked[0]!.slice(0, 2)).toEqual([
      { dir: 'state', job: 'cards' },
      { verb: 'stop', path: resolve('there'), drain: true },
    ])
  })

  it('shows one line on a terminal, which is gone in the end', async () => {
    const host = new FakeHost({ stderr: new FakeStream(80) })
    expect(await runCommand(['savepoint', 'cards'], host)).toBe(0)
    expect(host.stderr.lines.join('')).toBe('')
    expect(host.stderr.text).toContain('copying it: 20 B of 20 B')
  })

  it.each([
    'MR_JOB_NOT_RUNNING',
    'MR_SAVEPOINT_TARGET',
    'MR_JOB_STOPPING',
    'MR_COMMAND_LOST',
  ] as const)('fails with exit code 1 where there is no savepoint: %s', async (error) => {
    const host = new FakeHost()
    host.commandJob = () => Promise.reject(coded(error, 'It cannot be.'))
    expect(await runCommand(['stop', 'cards', '--json'], host)).toBe(1)
    expect(JSON.parse(host.stdout.text)).toMatchObject({ type: 'error', code: error })
    expect(host.stderr.text).toContain(`error ${error}: It cannot be.`)
  })

  it.each([
    [['savepoint'], 'no job is given'],
    [['stop', 'cards', 'a', 'b'], 'unexpected argument "b"'],
    [['stop', 'cards', ''], 'unexpected argument ""'],
    [['savepoint', 'cards', '--drain'], 'unknown flag --drain'],
    [['savepoint', 'my cards'], 'the job is "my cards"'],
    [['savepoint', '.'], 'the job is "."'],
    [['run', 'cards.ts', '--claim'], '--claim is given without --from'],
  ])('answers %j with exit code 2', async (argv, message) => {
    const { code, host, asked } = await command(...argv)
    expect(code).toBe(2)
    expect(host.stderr.text).toContain(message)
    expect(asked).toEqual([])
  })

  it('knows the file of a job by its name, and everything else as the name of one', () => {
    for (const job of ['cards.ts', 'cards.mjs', './cards', 'a/b', 'a\\b']) {
      expect(parseCommand(['savepoint', job])).toMatchObject({ job })
    }
    for (const name of ['cards', 'cards.v2', 'ts']) {
      const parsed = parseCommand(['savepoint', name])
      expect(parsed).toMatchObject({ name })
      expect(parsed).not.toHaveProperty('job')
    }
  })

  it('takes --claim with --from', () => {
    expect(parseCommand(['run', 'cards.ts', '--from', 'there', '--claim'])).toMatchObject({
      options: { from: 'there', claim: true },
    })
  })
})
