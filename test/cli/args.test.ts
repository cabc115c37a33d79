import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Command, jobOf, parallelismOf, parseCommand } from '../../cli/args.ts'
import { FLAGS, type Verb, VERBS } from '../../cli/flags.ts'
import { StreamError } from '../../runtime/errors.ts'

function run(...args: string[]): Extract<Command, { verb: 'run' }> {
  const command = parseCommand(['run', ...args])
  if (command.verb !== 'run') throw new Error(`parsed as ${command.verb}`)
  return command
}

function mistake(...args: string[]): string {
  try {
    parseCommand(args)
  } catch (error) {
    expect(error).toBeInstanceOf(StreamError)
    return (error as StreamError).message
  }
  throw new Error(`accepted: ${args.join(' ')}`)
}

describe('parseCommand', () => {
  it('leaves out what was not given, so that defaults are the engine’s', () => {
    expect(run('job.ts')).toEqual({
      verb: 'run',
      job: 'job.ts',
      options: { params: {} },
      json: false,
      noProgress: false,
    })
  })

  it('knows every flag of run', () => {
    const args =
      'job.ts --parallelism 4 --dir state --checkpoint-interval 2s --param a=1 --output keep --memory 512mb --strict ' +
      '--checkpoint-min-pause 1s --checkpoint-timeout 5m --tolerable-failures 0 --retained-checkpoints 9 ' +
      '--buffer-timeout 3ms ' +
      '--stop-timeout 500 --no-progress --json --allow-rewind --allow-grown-input --allow-non-restored-state ' +
      '--reset-watermarks'
    expect(run(...args.split(' '), '--fresh')).toEqual({
      verb: 'run',
      job: 'job.ts',
      options: {
        parallelism: 4,
        dir: 'state',
        checkpointInterval: 2_000,
        checkpointMinPause: 1_000,
        checkpointTimeout: 300_000,
        tolerableFailures: 0,
        retainedCheckpoints: 9,
        bufferTimeout: 3,
        params: { a: '1' },
        fresh: true,
        output: 'keep',
        memory: '512mb',
        strict: true,
        stopTimeout: 500,
        allowRewind: true,
        allowGrownInput: true,
        allowNonRestoredState: true,
        resetWatermarks: true,
      },
      json: true,
      noProgress: true,
    })
    expect(run('job.ts', '--from=/tmp/cp-1').options.from).toBe('/tmp/cp-1')
  })

  it('takes the last of a repeated parameter or flag, and a value with "=" or line ends as it is (N4)', () => {
    const { options } = run(
      '--param',
      'a=1',
      'job.ts',
      '--param=b=x=y\nz',
      '--param',
      'a=',
      '--dir',
      'x',
      '--dir',
      'y',
    )
    expect(options.params).toEqual({ a: '', b: 'x=y\nz' })
    expect(options.dir).toBe('y')
  })

  it('keeps a hostile parameter name as a name', () => {
    const { options } = run('job.ts', '--param', '__proto__=x')
    expect(Object.keys(options.params!)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(options.params!)).toBe(Object.prototype)
  })

  it('takes what follows "--" as a file name', () => {
    expect(run('--json', '--', '--job.ts').job).toBe('--job.ts')
  })

  it.each([
    ['--paralelism', 'did you mean --parallelism?'],
    ['--check', 'did you mean --checkpoint-interval?'],
    ['--no-progres', 'did you mean --no-progress?'],
    ['-x', 'there are --parallelism, --param'],
    ['--zzzzzz', 'there are --parallelism, --param'],
  ])('names the nearest flag for %s', (flag, wayOut) => {
    const message = mistake('run', 'job.ts', flag)
    expect(message).toContain(`unknown flag ${flag}`)
    expect(message).toContain(wayOut)
    expect(message).toContain('millrace run --help')
  })

  it('reads what check is asked', () => {
    const flags = [
      '--from',
      'chk-7',
      '--parallelism',
      '3',
      '--param',
      'a=1',
      '--dir',
      'd',
      '--json',
    ]
    expect(parseCommand(['check', 'job.ts', ...flags, '--allow-rewind'])).toEqual({
      verb: 'check',
      job: 'job.ts',
      options: { from: 'chk-7', parallelism: 3, params: { a: '1' }, dir: 'd', allowRewind: true },
      json: true,
    })
    expect(parseCommand(['check', 'job.ts'])).toMatchObject({
      options: { params: {} },
      json: false,
    })
    expect(mistake('check', 'job.ts', '--fresh')).toContain('millrace check: unknown flag --fresh')
  })

  it('does not know a flag of run in plan', () => {
    expect(mistake('plan', 'job.ts', '--fresh')).toContain('millrace plan: unknown flag --fresh')
  })

  it.each([
    [['--parallelism'], '--parallelism has no value'],
    [['--parallelism', '--json'], '--parallelism has no value'],
    [['--dir='], '--dir has no value'],
    [['--json=yes'], '--json is a switch'],
    [['--parallelism', '0'], '--parallelism is "0"'],
    [['--parallelism', '-1'], '--parallelism is "-1"'],
    [['--parallelism', '1.5'], '--parallelism is "1.5"'],
    [['--parallelism', '0x2'], '--parallelism is "0x2"'],
    [['--checkpoint-interval', '10'], undefined],
    [['--checkpoint-interval', 'soon'], 'millrace run: --checkpoint-interval is "soon"'],
    [['--stop-timeout', '-5s'], 'millrace run: --stop-timeout is "-5s"'],
    [['--output', 'refuse'], '--output is "refuse"'],
    [['--param', 'rate'], '--param rate has no "="'],
    [['--param', '=1'], '--param =1 has no "="'],
    [['--fresh', '--from', 'x'], '--fresh and --from are both given'],
    [['rate=0'], 'write --param rate=0'],
    [['other.ts'], 'unexpected argument "other.ts"'],
  ])('judges %j', (args, message) => {
    if (message === undefined) run('job.ts', ...args)
    else expect(mistake('run', 'job.ts', ...args)).toContain(message)
  })

  it('asks for the job, and for the command', () => {
    expect(mistake('run', '--json')).toContain(
      'no job file is given; nothing was run; write millrace run JOB.ts',
    )
    expect(mistake('rum', 'job.ts')).toContain(
      'unknown command "rum"; nothing was run; did you mean "run"?',
    )
    expect(mistake('job.ts')).toContain('write "millrace run job.ts"')
    expect(mistake('--json')).toContain('unknown flag "--json"')
  })

  it('gives help to whoever asks for it, whatever else is wrong', () => {
    const help = { verb: 'help', topic: undefined, job: undefined, isAsked: true }
    expect(parseCommand([])).toEqual({ ...help, isAsked: false })
    for (const args of [['--help'], ['-h'], ['help']]) expect(parseCommand(args)).toEqual(help)
    expect(parseCommand(['help', 'plan'])).toEqual({ ...help, topic: 'plan' })
    expect(parseCommand(['run', '-h'])).toEqual({ ...help, topic: 'run' })
    expect(parseCommand(['run', 'job.ts', '--nonsense', '--help'])).toEqual({
      ...help,
      topic: 'run',
      job: 'job.ts',
    })
    expect(parseCommand(['--version'])).toEqual({ verb: 'version' })
  })

  it('knows commands of two words, and the group of the first', () => {
    expect(parseCommand(['checkpoints', 'ls', 'a/chk-1', '--json'])).toEqual({
      verb: 'checkpoints ls',
      path: 'a/chk-1',
      json: true,
    })
    const help = { verb: 'help', topic: 'checkpoints', job: undefined, isAsked: true }
    expect(parseCommand(['checkpoints'])).toEqual({ ...help, isAsked: false })
    for (const args of [
      ['checkpoints', '--help'],
      ['checkpoints', '-h'],
      ['help', 'checkpoints'],
    ]) {
      expect(parseCommand(args)).toEqual(help)
    }
    for (const args of [
      ['checkpoints', 'ls', '--help'],
      ['help', 'checkpoints', 'ls'],
    ]) {
      expect(parseCommand(args)).toEqual({ ...help, topic: 'checkpoints ls' })
    }
  })

  it('names what is near in the group, and what the group lacks', () => {
    expect(mistake('checkpoints', 'list')).toContain('unknown command "checkpoints list"')
    expect(mistake('checkpoint', 'ls')).toContain('did you mean "checkpoints"?')
    expect(mistake('checkpoints', '--json')).toContain('millrace checkpoints: unknown flag --json')
    expect(mistake('checkpoints', 'ls')).toContain('write millrace checkpoints ls PATH')
    expect(mistake('checkpoints', 'ls', 'a', 'b=c')).toContain('give one path')
    expect(jobOf(['checkpoints', 'ls', 'job.ts'])).toBeUndefined()
  })

  it('fails only with coded errors, on anything', () => {
    const names = VERBS.flatMap((verb: Verb) => FLAGS[verb].map((flag) => `--${flag.name}`))
    const word = fc.oneof(
      fc.constantFrom(
        ...VERBS.flatMap((verb) => verb.split(' ')),
        ...names,
        '--',
        '-',
        'job.ts',
        'a=b',
      ),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (args) => {
        try {
          parseCommand(args)
        } catch (error) {
          expect(error).toBeInstanceOf(StreamError)
          expect((error as StreamError).message).not.toBe('')
        }
      }),
    )
  })
})

describe('jobOf and parallelismOf', () => {
  it('find what there is and never fail', () => {
    expect(jobOf(['run', '--parallelism', '2', 'a/job.ts'])).toBe('a/job.ts')
    expect(jobOf(['plan', 'job.ts', '--json'])).toBe('job.ts')
    expect(jobOf(['run', 'job.ts', '--help'])).toBe('job.ts')
    expect(jobOf(['run', 'job.ts', '--nonsense'])).toBeUndefined()
    expect(jobOf([])).toBeUndefined()
    expect(parallelismOf(['run', 'job.ts', '--parallelism', '7'])).toBe(7)
    expect(parallelismOf(['plan', 'job.ts', '--parallelism', '7'])).toBeUndefined()
    expect(parallelismOf(['run', 'job.ts', '--parallelism'])).toBeUndefined()
  })
})
