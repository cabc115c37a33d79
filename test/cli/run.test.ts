import { describe, expect, it } from 'vitest'
import { runCommand } from '../../cli/command.ts'
import type { Host } from '../../cli/host.ts'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import {
  checkpoint,
  coded,
  FakeHost,
  FakeStream,
  progress,
  result,
  stalled,
  started,
} from './fake-host.ts'

/** A job that does what the script says, and ends as it does. */
function hostOf(script: Host['runJob'], stderr?: FakeStream): FakeHost {
  const host = new FakeHost(stderr === undefined ? {} : { stderr })
  host.runJob = script
  return host
}

/** Waits for the stop that a signal asks for. */
function stopOf(options: RunJobOptions): Promise<void> {
  return new Promise((resolve) => options.signal!.addEventListener('abort', () => resolve()))
}

const json = (host: FakeHost) =>
  host.stdout.text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('millrace run', () => {
  it('hands the flags to the engine and tells the whole story on stderr, data on stdout', async () => {
    let given: RunJobOptions | undefined
    const host = hostOf(async (job, options) => {
      expect(job).toBe('job.ts')
      given = options
      options.onEvent!(started({ notes: ['job.ts changed since checkpoint 42'] }))
      options.onEvent!({ type: 'running', attempt: 1 })
      options.onEvent!({ type: 'log', uid: 'velocity', subtaskIndex: 1, line: 'hello' })
      options.onEvent!(progress(6_024))
      await options.print!('out', '{"a":1}\n')
      options.onEvent!(checkpoint(1))
      return result()
    })
    expect(await runCommand(['run', 'job.ts', '--parallelism', '2', '--dir', 'x'], host)).toBe(0)
    expect(given).toMatchObject({ parallelism: 2, dir: 'x', params: {}, progressInterval: 5_000 })
    expect(host.stdout.text).toBe('{"a":1}\n')
    const lines = host.stderr.lines
    expect(lines[0]).toMatch(/^cards: fresh start, /)
    expect(lines[1]).toBe('note: job.ts changed since checkpoint 42')
    expect(lines[2]).toBe('  [1] × 2')
    expect(lines).toContain('[velocity #1] hello')
    expect(lines.filter((line) => line.startsWith('[2 s] 3,012 records/s'))).toHaveLength(1)
    expect(lines.at(-2)).toBe('output of alerts: /data/alerts')
  })

  it('shows one live line on a terminal, gone at the end', async () => {
    const stderr = new FakeStream(90)
    const host = hostOf(async (_, options) => {
      expect(options.progressInterval).toBe(500)
      options.onEvent!(started())
      options.onEvent!({ type: 'running', attempt: 1 })
      options.onEvent!(progress(6_024))
      expect(stderr.lines.at(-1)).toMatch(/^3,012\/s · .* · no checkpoint · 87 rows$/)
      options.onEvent!(checkpoint(1))
      expect(stderr.lines.at(-1)).toContain('cp 1: 41 ms 12.3 kB')
      return result()
    }, stderr)
    expect(await runCommand(['run', 'job.ts'], host)).toBe(0)
    expect(stderr.lines.filter((line) => line.includes('3,012'))).toEqual([])
    expect(stderr.lines.at(-1)).toBe('')
  })

  it('tells above the live line that event time stands still, and why, and that it goes on', async () => {
    const stderr = new FakeStream(200)
    const host = hostOf(async (_, options) => {
      options.onEvent!(started())
      options.onEvent!({ type: 'running', attempt: 1 })
      options.onEvent!(progress(6_024))
      options.onEvent!(stalled('daily', 'weekly'))
      expect(stderr.lines.at(-1)).toMatch(/^3,012 records\/s/)
      const operators = ['hourly', 'daily']
      const watermark = Date.UTC(2024, 4, 1, 12)
      options.onEvent!({ type: 'event-time-resumed', operators, watermark, stoodMs: 61_000 })
      options.onEvent!({ type: 'event-time-resumed', operators, watermark: Infinity, stoodMs: 5 })
      return result()
    }, stderr)
    expect(await runCommand(['run', 'job.ts'], host)).toBe(0)
    expect(stderr.lines.filter((line) => line.startsWith('event time'))).toEqual([
      'event time: "hourly" has no event time after 12 s: it has no watermarks, and holds time back until it has ended or is idle; the same holds back "daily", "weekly"',
      'event time goes on after 1 min 1 s: "hourly", "daily" are at 2024-05-01 12:00:00.000',
      'event time goes to the end of the input after 5 ms: "hourly", "daily"',
    ])
  })

  it.each([
    [['--no-progress'], {}],
    [['--json'], {}],
    [[], { TERM: 'dumb' }],
    [[], { CI: 'true' }],
  ])('writes plain lines instead with %j %j', async (flags, env) => {
    const stderr = new FakeStream(100)
    const host = hostOf(async (_, options) => {
      options.onEvent!(started())
      options.onEvent!({ type: 'running', attempt: 1 })
      options.onEvent!(progress(100))
      return result()
    }, stderr)
    Object.assign(host.env, env)
    await runCommand(['run', 'job.ts', ...flags], host)
    expect(stderr.text).not.toContain('\r')
    expect(stderr.lines.filter((line) => line.startsWith('[2 s] 50 records/s'))).toHaveLength(1)
  })

  it('writes JSON lines only to stdout with --json, each with a type', async () => {
    const host = hostOf(async (_, options) => {
      options.onEvent!(started())
      options.onEvent!(checkpoint(1))
      await options.print!('out', '{"a":1}\nplain\n')
      options.onEvent!({ type: 'finished', ...result() })
      return result()
    })
    expect(await runCommand(['run', 'job.ts', '--json'], host)).toBe(0)
    expect(json(host).map((line) => line['type'])).toEqual([
      'started',
      'checkpoint',
      'print',
      'print',
      'finished',
    ])
    expect(json(host)[2]).toEqual({ type: 'print', uid: 'out', line: '{"a":1}' })
  })

  it('says that a finished job has finished, exit code 0 (R34)', async () => {
    const host = hostOf(async (_, options) => {
      const restored = { lineage: '0123456789abcdef', checkpointId: 8 }
      options.onEvent!(started({ mode: 'already-finished', restored }))
      return result({ status: 'already-finished' })
    })
    expect(await runCommand(['run', 'job.ts'], host)).toBe(0)
    expect(host.stderr.lines[0]).toContain('already finished with checkpoint 8, nothing to do')
    expect(host.stderr.text).not.toContain('[1]')
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'stops at %s, says that the same command goes on, exit code %d (R14)',
    async (signal, code) => {
      const host = hostOf(async (_, options) => {
        options.onEvent!(started())
        const stopping = stopOf(options)
        host.signal(signal)
        await stopping
        options.onEvent!({ ...checkpoint(5), kind: 'stop' })
        return result({ status: 'stopped' })
      })
      expect(await runCommand(['run', 'job.ts'], host)).toBe(code)
      expect(host.stderr.lines).toContain('the same command goes on from checkpoint 5')
      expect(host.exits).toEqual([])
    },
  )

  it('can be stopped before the job has been started', async () => {
    const host = hostOf(async (_, options) => {
      const stopping = stopOf(options)
      host.signal('SIGTERM')
      await stopping
      return result({ status: 'stopped', lastCheckpoint: undefined })
    })
    expect(await runCommand(['run', 'job.ts'], host)).toBe(143)
    expect(host.stderr.text).toBe(
      'stopping (Ctrl-C again does not wait for it)\nthe job had not been started: nothing has changed\n',
    )
  })

  it('does not send a user who began with --fresh back to the start', async () => {
    const host = hostOf(async (_, options) => {
      options.onEvent!(started())
      options.onEvent!(checkpoint(5))
      host.signal('SIGINT')
      return result({ status: 'stopped' })
    })
    await runCommand(['run', 'job.ts', '--fresh'], host)
    expect(host.stderr.lines).toContain(
      'the same command without --fresh goes on from checkpoint 5',
    )
  })

  it('ends the process at a second signal, naming the last completed checkpoint (N21)', async () => {
    const host = hostOf(async (_, options) => {
      options.onEvent!(started())
      options.onEvent!(checkpoint(4))
      host.signal('SIGINT')
      host.signal('SIGINT')
      expect(host.exits).toEqual([])
      host.clock.advance(1_000)
      host.signal('SIGINT')
      return result({ status: 'stopped' })
    })
    await runCommand(['run', 'job.ts'], host)
    expect(host.exits).toEqual([1])
    const text = host.stderr.text
    expect(text).toContain('stopped without a last checkpoint: the threads were terminated')
    expect(text).toContain('the same command goes on from checkpoint 4')
  })

  it('stops when the reader of stdout has gone, which is no failure', async () => {
    const host = hostOf(async (_, options) => {
      options.onEvent!(started())
      const stopping = stopOf(options)
      host.closeOutput()
      await stopping
      options.onEvent!({ ...checkpoint(2), kind: 'stop' })
      return result({ status: 'stopped' })
    })
    expect(await runCommand(['run', 'job.ts'], host)).toBe(0)
  })

  it('tells why a job failed and how it goes on, exit code 1', async () => {
    const host = hostOf(async (_, options) => {
      options.onEvent!(started())
      options.onEvent!(checkpoint(3))
      throw coded('MR_PARAMETER_INVALID', 'Thrown by the job itself.')
    })
    expect(await runCommand(['run', 'job.ts', '--json'], host)).toBe(1)
    expect(json(host).at(-1)).toMatchObject({ type: 'error', code: 'MR_PARAMETER_INVALID' })
    expect(host.stderr.lines.slice(-3)).toEqual([
      'error MR_PARAMETER_INVALID: Thrown by the job itself.',
      'the same command goes on from checkpoint 3',
      '',
    ])
  })

  it('does not say that the command goes on where another run has taken the job over', async () => {
    const host = hostOf(async (_, options) => {
      options.onEvent!(started())
      throw coded('MR_JOB_FENCED', 'Another run has it.')
    })
    expect(await runCommand(['run', 'job.ts'], host)).toBe(1)
    expect(host.stderr.text).toContain('error MR_JOB_FENCED')
    expect(host.stderr.text).not.toContain('goes on')
  })

  it('says what a failed checkpoint and a restart were about', async () => {
    const error = {
      name: 'RestartableError',
      code: 'MR_CHECKPOINT_FAILED',
      message: 'disk full',
      stack: undefined,
      fields: {},
      restartable: true,
      cause: undefined,
    }
    const host = hostOf(async (_, options) => {
      options.onEvent!(started())
      options.onEvent!({ type: 'checkpoint-failed', checkpointId: 3, error })
      options.onEvent!({ type: 'restarting', attempt: 2, delayMs: 1_000, error })
      options.onEvent!({ type: 'note', message: 'a note' })
      return result()
    })
    await runCommand(['run', 'job.ts'], host)
    const text = host.stderr.text
    expect(text).toContain('checkpoint 3 failed')
    expect(text).toContain('attempt 1 failed, attempt 2')
    expect(text.match(/MR_CHECKPOINT_FAILED: disk full/g)).toHaveLength(2)
    expect(text).toContain('note: a note')
  })
})

describe('exit codes', () => {
  it.each([
    ['MR_OPTION_INVALID', 2],
    ['MR_PARAMETER_INVALID', 2],
    ['MR_JOB_MISSING', 2],
    ['MR_CHECKPOINT_NOT_FOUND', 2],
    ['MR_UID_MISSING', 1],
    ['MR_DIRECTORY_LOCKED', 1],
  ] as const)('%s before the job has started: %d', async (code, exitCode) => {
    const host = hostOf(() => Promise.reject(coded(code, 'No.')))
    expect(await runCommand(['run', 'job.ts'], host)).toBe(exitCode)
    expect(host.stderr.text).toBe(`error ${code}: No.\n`)
  })

  it('is 2 for a wrong flag, told as JSON too if that was asked for', async () => {
    const host = new FakeHost()
    expect(await runCommand(['run', 'job.ts', '--paralelism', '2', '--json'], host)).toBe(2)
    expect(json(host)).toMatchObject([{ type: 'error', code: 'MR_OPTION_INVALID' }])
    expect(host.stderr.text).toContain('did you mean --parallelism?')
  })
})

describe('millrace plan', () => {
  it('shows the graph, as text or as JSON, on stdout', async () => {
    const host = new FakeHost()
    expect(await runCommand(['plan', 'job.ts'], host)).toBe(0)
    expect(host.stdout.lines[0]).toMatch(/^cards: parallelism 2, /)
    expect(host.stdout.lines).toContain('[2] × 2  ◀══ shuffle by key ══ [1] map-1')

    const other = new FakeHost()
    expect(await runCommand(['plan', 'job.ts', '--json', '--param', 'a=1'], other)).toBe(0)
    expect(JSON.parse(other.stdout.text)).toMatchObject({ job: 'cards', structuralHash: 'ab' })
  })
})
