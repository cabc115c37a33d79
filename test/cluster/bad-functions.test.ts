import { beforeEach, describe, expect, it } from 'vitest'
import { keyGroupOf, subtaskOfKeyGroup } from '../../runtime/key-group.ts'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { AccountsRun } from './accounts-run.ts'
import { postings } from './postings.ts'
import { eventOf, type Run } from './run.ts'
import { expectFailure, expectNothingLeft, type Told } from './told-failure.ts'

const makeFolder = temporaryFolders()
const ROWS = postings(400)
const LAST = ROWS.length - 1
let accounts: AccountsRun

beforeEach(async () => {
  accounts = new AccountsRun(await makeFolder(), ROWS)
  await accounts.writeInput()
})

/** Runs the same command each time: what goes wrong does so only `times` times. */
function start(fault: string, options: RunJobOptions = {}, params: object = {}): Promise<Run> {
  return accounts.start({ ...faultParams(fault), ...params }, options)
}

function faultParams(fault: string) {
  return { fault, at: 200, marks: accounts.path('marks') }
}

/** Which of two threads has the state of an account. */
function threadOf(account: string): number {
  return subtaskOfKeyGroup(keyGroupOf(account, 1_024), 1_024, 2)
}

interface Case extends Told {
  readonly fault: string
  readonly parallelism?: number
  readonly at?: number
}

const RECORD_200 = `record { id: 200, account: 'account 13', cents: 400 } at 1700000200000`
/** A posting whose key belongs to the other of two threads than the one that reads it. */
const FAR = ROWS.find(({ id, account }) => id >= 200 && threadOf(account) === 1)!
const KEY = {
  code: 'MR_KEY_INVALID',
  where: `Operator "map#1", ${RECORD_200}`,
  prevents: 'cannot be assigned to a subtask',
  wayOut: 'return a string, number, bigint, bytes or a tuple of these',
} as const
const PROMISE = {
  code: 'MR_FUNCTION_ASYNC',
  prevents: 'without waiting, so its result would come too late',
  wayOut: 'return a plain value, and make slow calls with asyncMap',
} as const
const OUTSIDE = {
  code: 'MR_STATE_OUTSIDE_CALLBACK',
  wayOut: 'not in promises, timeouts or event handlers',
} as const
const EDGE_VALUE = {
  code: 'MR_VALUE_UNSUPPORTED',
  fault: 'edge-value',
  where: `Operator "map#1", ${RECORD_200}`,
  what: 'record.details[0].open is a function (open)',
  prevents: 'can be stored or sent to another thread',
  wayOut: 'convert it to one of these',
} as const

describe('a mistake in a function ends the job with its place, and nothing is lost', () => {
  it.each<[string, Case]>([
    [
      'a key that is undefined, found by the thread that sends the record (R19)',
      { ...KEY, fault: 'key-undefined', what: 'returned undefined', parallelism: 2 },
    ],
    ['a key that is NaN (R19)', { ...KEY, fault: 'key-nan', what: 'returned NaN' }],
    [
      'a key that is an object, found in the same thread (R19)',
      { ...KEY, fault: 'key-object', what: 'returned an object' },
    ],
    [
      'a value outside the type table on an encoded edge (R18)',
      {
        ...EDGE_VALUE,
        parallelism: 2,
        at: FAR.id,
        where: `Operator "map#1", record { id: ${FAR.id}, `,
      },
    ],
    ['a value outside the type table on a direct edge (R18, R6)', EDGE_VALUE],
    [
      'a value outside the type table in state (R18)',
      {
        code: 'MR_VALUE_UNSUPPORTED',
        fault: 'state-value',
        at: LAST,
        where: `State "sum" of operator "balance", key 'last'`,
        what: 'balance/sum.since.get("a") is a symbol',
        prevents: 'can be stored or sent to another thread',
        wayOut: 'convert it to one of these',
      },
    ],
    [
      'a map function that returns a promise (R15)',
      {
        ...PROMISE,
        fault: 'map-promise',
        where: `Operator "map#1", ${RECORD_200}`,
        what: 'the map function returned a promise',
      },
    ],
    [
      'a process function that returns a promise (R15)',
      {
        ...PROMISE,
        fault: 'promise',
        where: `Operator "balance", ${RECORD_200}`,
        what: 'processElement returned a promise',
      },
    ],
    [
      'a context that is used outside its callback (R15)',
      {
        ...OUTSIDE,
        fault: 'state-outside',
        where: 'Operator "balance"',
        what: 'the state was used after its callback had returned',
        prevents: 'belongs to no record',
      },
    ],
    [
      'a state that was kept and is used outside its callback (R15)',
      {
        ...OUTSIDE,
        fault: 'state-handle-outside',
        where: 'State "sum" of operator "balance"',
        what: 'was used outside of a callback',
        prevents: 'there is no key that it could belong to',
      },
    ],
    [
      'a map function that throws (R38, R39)',
      {
        code: 'MR_FUNCTION_FAILED',
        fault: 'map-throws',
        where: `Operator "map#1", ${RECORD_200}`,
        what: 'the map function threw RangeError: no such account',
        prevents: 'the record cannot be processed, and the job stops rather than lose it',
        wayOut: `set onError to 'skip' or an output tag`,
      },
    ],
  ])('%s', async (_, told) => {
    const { fault, parallelism = 1, at = 200 } = told
    const failed = await start(fault, { parallelism }, { at })
    const shown = expectFailure(failed, told)
    expect(eventOf(failed, 'restarting')).toBeUndefined()
    // Before the first shuffle the place in the input is exact, and where code of the user ran it is shown.
    if (String(told.where).includes('map#1')) {
      expect(failed.error?.message).toMatch(
        new RegExp(`source position /.*/postings\\.csv:${at + 2} \\(byte \\d+\\)`),
      )
    }
    if (fault.endsWith('outside') || fault.endsWith('throws')) {
      expect(shown).toMatch(/in your code:\n +at .*account-faults\.ts:\d+/)
    }
    await accounts.expectDone(await start(fault, { parallelism }, { at }))
  })

  it('a process function that throws: tried three times, with the positions of the last checkpoint (R38, R39)', async () => {
    // The thread that has its state does not know where it was read.
    const { id, account } = FAR
    const params = { at: id, times: 3 }
    const stopped = { ...faultParams('throws'), ...params }
    const { last } = await accounts.stopInTheMiddle(stopped, { parallelism: 2 })
    const again = { parallelism: 2, checkpointInterval: '1h' } as const
    const failed = await start('throws', again, params)
    expectFailure(failed, {
      code: 'MR_REPEATED_FAILURE',
      where: `each time after checkpoint ${last.checkpointId}`,
      what: new RegExp(
        `Operator "balance", record \\{ id: ${id}, .* at 1700000${id}000: the function threw RangeError: no such account`,
      ),
      prevents: 'Another attempt would fail there again',
      wayOut: 'mend the cause, then run the same command, which goes on from that checkpoint',
    })
    expect(failed.error?.message).toMatch(
      new RegExp(
        `\\(key '${account}'\\) \\(subtask 1\\) \\(sources in checkpoint ${last.checkpointId}: "postings" at /.*postings\\.csv:\\d+ \\(byte \\d+\\)\\)`,
      ),
    )
    expect(failed.events.filter((event) => event.type === 'restarting')).toHaveLength(2)
    await expectNothingLeft(accounts.state, accounts.out)
    const mended = await start('throws', again, params)
    expect(eventOf(mended, 'started')?.restored?.checkpointId).toBe(last.checkpointId)
    await accounts.expectDone(mended)
  })

  it.each<[string, Case]>([
    [
      'ends its thread',
      {
        code: 'MR_REPEATED_FAILURE',
        fault: 'exits',
        where: 'Operator "balance" failed 3 times in a row with MR_WORKER_EXITED',
        what: /The worker thread of slot \d ended while "balance" was running: .*exit.* 7/,
        prevents: 'its records since the last checkpoint are read again',
        wayOut: 'code in a job must not call process.exit',
      },
    ],
    [
      'exhausts the memory of its thread',
      {
        code: 'MR_REPEATED_FAILURE',
        fault: 'hoards',
        where: 'Operator "balance" failed 3 times in a row with MR_WORKER_OUT_OF_MEMORY',
        what: /The worker thread of slot \d reached its heap limit while "balance" was running/,
        prevents: 'Another attempt would fail there again',
        wayOut: 'raise --memory, or hold less per key',
      },
    ],
  ])('a process function that %s, each time again (R36, R38)', async (_, told) => {
    const options = { parallelism: 2, memory: '120mb' }
    // A checkpoint in between would begin the count anew.
    const failed = await start(told.fault, { ...options, checkpointInterval: '1h' }, { times: 3 })
    expectFailure(failed, told)
    await accounts.expectDone(await start(told.fault, options, { times: 3 }))
  })

  it('a key selector that throws is named, and the failure restarted like others (R38)', async () => {
    const failed = await start('key-throws', { parallelism: 2 })
    expect(eventOf(failed, 'restarting')?.error).toMatchObject({
      code: 'MR_FUNCTION_FAILED',
      message: expect.stringContaining(
        `${RECORD_200}: the key selector before operator "balance" threw RangeError: no such key`,
      ),
    })
    await accounts.expectDone(failed)
  })
})
