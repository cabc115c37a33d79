import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../cli/command.ts'
import { ChainSnapshots } from '../runtime/inspect/chain-snapshot.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { FakeHost } from './fake-host.ts'

const makeFolder = temporaryFolders()
let snapshots: ChainSnapshots
let before: string
let path: string

beforeEach(async () => {
  snapshots = await ChainSnapshots.create(await makeFolder())
  snapshots.at('4242', undefined, ({ value, map, timers }) => {
    value.update({ n: 1, at: new Date(0) })
    map.put('x', 1n)
    timers.register('event', 1_700_000_000_000)
  })
  snapshots.at('4242', 7, ({ value }) => value.update('in seven'))
  before = await snapshots.take()
  snapshots.at(5, undefined, ({ value }) => value.update([undefined]))
  path = await snapshots.take()
  return () => snapshots.close()
})

async function millrace(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const host = new FakeHost()
  const code = await runCommand(args, host)
  return { code, out: host.stdout.text, error: host.stderr.text }
}

const value = ['--uid', 'op', '--state', 'value']

/** `millrace state get` of a state of the operator. */
function get(state: string, key: string, ...flags: string[]): ReturnType<typeof millrace> {
  return millrace('state', 'get', path, '--uid', 'op', '--state', state, '--key', key, ...flags)
}

describe('millrace state ls', () => {
  it('shows the states, and the newest checkpoint of a lineage', async () => {
    const { code, out } = await millrace('state', 'ls', snapshots.directory)
    expect(code).toBe(0)
    expect(out).toContain('checkpoint 2 of job "fraud", lineage 0123456789abcdef, parallelism 2')
    expect(out).toMatch(/^op {3}value +value +3 +3 +\d+ B$/m)
    expect(out).toMatch(/^op {3}!event-timers +timers +1 +1 +\d+ B +the earliest at 2023-11-14 /m)
    expect(out).toContain('op  1970-01-01 00:00:00.005 UTC to 1970-01-01 00:00:00.006 UTC')
    const json = JSON.parse((await millrace('state', 'ls', before, '--json')).out) as object
    expect(json).toMatchObject({ checkpointId: 1, path: before, watermarks: [{ lowest: 5 }] })
  })

  it('tells where there is none with exit code 2', async () => {
    const { code, error } = await millrace('state', 'ls', join(snapshots.directory, 'x'))
    expect(code).toBe(2)
    expect(error).toContain('MR_CHECKPOINT_NOT_FOUND')
  })
})

describe('millrace state get', () => {
  it('shows what a key has, in all namespaces or in one', async () => {
    const all = await get('value', "'4242'")
    expect(all.out).toBe("{ n: 1, at: 1970-01-01T00:00:00.000Z }\nin 7: 'in seven'\n")
    const one = await get('value', "'4242'", '--namespace', '7')
    expect(one.out).toBe("in 7: 'in seven'\n")
    const map = await get('map', '"4242"')
    expect(map.out).toBe('"x": 1n\n')
    const json = await get('value', '5', '--json')
    expect(json.out).toBe('{"key":5,"value":[{"$undefined":true}],"version":3}\n')
  })

  it('names the same text as another key, a key that is near, or other namespaces', async () => {
    const number = await get('value', '4242')
    expect(number.code).toBe(1)
    expect(number.error).toContain('has no key 4242 in')
    expect(number.error).toContain(`it has "4242", another key; write --key '"4242"'`)
    const near = await get('value', "'4243'")
    expect(near.error).toContain('did you mean "4242".')
    const other = await get('value', 'zzzzzzzz')
    expect(other.error).toContain("1 is a number, '1' a string, 1n a bigint")
    const namespace = await get('value', "'4242'", '--namespace', '8')
    expect(namespace.error).toContain('the key has the default one, 7')
    const empty = await get('list', '1')
    expect(empty.error).toContain('the state is empty')
    const unknown = await get('vlue', '1')
    expect(unknown.error).toContain('did you mean "value"?')
  })
})

describe('millrace state export', () => {
  it('writes JSON lines', async () => {
    const { code, out } = await millrace('state', 'export', path, ...value)
    expect(code).toBe(0)
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(lines).toContainEqual({ key: '4242', namespace: 7, value: 'in seven', version: 3 })
    expect(lines).toHaveLength(3)
    const timers = await millrace(
      'state',
      'export',
      path,
      '--uid',
      'op',
      '--state',
      '!event-timers',
    )
    expect(timers.out).toBe('{"key":"4242","value":1700000000000}\n')
  })

  it('waits for a slow reader, and ends with one that has gone', async () => {
    for (let key = 0; key < 20_000; key++) snapshots.at(key, undefined, ({ sum }) => sum.add(key))
    const large = await snapshots.take()
    const host = new FakeHost()
    host.stdout.isFull = true
    const write = host.stdout.write.bind(host.stdout)
    let pieces = 0
    host.stdout.write = (text) => {
      pieces++
      expect(text.length).toBeLessThan(128 * 1_024)
      queueMicrotask(() => {
        host.closeOutput()
        host.stdout.drain()
      })
      return write(text)
    }
    expect(
      await runCommand(['state', 'export', large, '--uid', 'op', '--state', 'sum'], host),
    ).toBe(0)
    expect(pieces).toBe(1)
  })
})

describe('millrace state diff', () => {
  it('counts by state, and shows keys', async () => {
    expect((await millrace('state', 'diff', before, path)).out).toBe(
      'op/value  1 added  0 removed  0 changed\n',
    )
    expect((await millrace('state', 'diff', before, path, '--keys')).out).toMatch(
      /^\+ op\/value 5\n/,
    )
    const json = (await millrace('state', 'diff', path, before, '--keys', '--json')).out
    expect(
      json
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      {
        change: 'removed',
        uid: 'op',
        state: 'value',
        before: { key: 5, value: [{ $undefined: true }], version: 3 },
      },
      { uid: 'op', state: 'value', added: 0, removed: 1, changed: 0 },
    ])
    expect((await millrace('state', 'diff', path, path)).out).toBe('no state differs\n')
    expect((await millrace('state', 'diff', path)).error).toContain('write millrace state diff A B')
  })
})
