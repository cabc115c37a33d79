import { describe, expect, it } from 'vitest'
import { runCommand } from '../../cli/command.ts'
import { FLAGS, VERBS } from '../../cli/flags.ts'
import { parameterLines } from '../../cli/help.ts'
import { StreamError } from '../../runtime/errors.ts'
import type { PlanParameter } from '../../runtime/graph/job-plan.ts'
import { FakeHost } from './fake-host.ts'

const parameters: PlanParameter[] = [
  { name: 'input', type: 'string', defaultText: 'a.csv', description: 'Input file' },
  { name: 'within', type: 'duration', defaultText: '60m', description: 'How far to look back.' },
  { name: 'limit', type: 'number', defaultText: undefined, description: '' },
  { name: 'token', type: 'secret', defaultText: undefined, description: 'Access token' },
]

describe('help', () => {
  it.each(VERBS)('lists every flag of %s', async (verb) => {
    const host = new FakeHost()
    expect(await runCommand([...verb.split(' '), '--help'], host)).toBe(0)
    for (const flag of FLAGS[verb]) {
      const shown = `--${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}  `
      expect(host.stdout.text).toContain(shown)
    }
    expect(host.stderr.text).toBe('')
  })

  it('fits into 110 columns', async () => {
    for (const verb of VERBS) {
      const host = new FakeHost()
      await runCommand([...verb.split(' '), '--help'], host)
      for (const line of host.stdout.lines) expect(line.length).toBeLessThanOrEqual(110)
    }
  })

  it('goes to stderr with exit code 2 when nobody asked for it', async () => {
    const host = new FakeHost()
    expect(await runCommand([], host)).toBe(2)
    expect(host.stdout.text).toBe('')
    expect(host.stderr.text).toContain('millrace run JOB.ts')
  })

  it('explains a group of commands, and takes its name alone for a mistake', async () => {
    const host = new FakeHost()
    expect(await runCommand(['checkpoints', '--help'], host)).toBe(0)
    expect(host.stdout.text).toContain('millrace checkpoints ls PATH')
    expect(await runCommand(['checkpoints'], host)).toBe(2)
    expect(host.stderr.text).toContain('millrace checkpoints ls PATH')
  })

  it('lists the parameters of a job without building its graph', async () => {
    const host = new FakeHost()
    host.describeJob = (job) => Promise.resolve({ name: job, parameters })
    host.planJob = () => Promise.reject(new Error('built'))
    expect(await runCommand(['run', 'job.ts', '--help'], host)).toBe(0)
    expect(host.stdout.text).toContain(parameterLines('job.ts', parameters).join('\n'))
  })

  it('shows the flags even if the job cannot be read', async () => {
    const host = new FakeHost()
    host.describeJob = () => Promise.reject(new StreamError('MR_JOB_INVALID', 'No job in it.'))
    expect(await runCommand(['plan', 'job.ts', '--help'], host)).toBe(1)
    expect(host.stdout.text).toContain('--parallelism N')
    expect(host.stderr.text).toContain('error MR_JOB_INVALID: No job in it.')
  })

  it('tells the version', async () => {
    const host = new FakeHost()
    expect(await runCommand(['--version'], host)).toBe(0)
    expect(host.stdout.text).toBe('1.2.3\n')
  })
})

describe('parameterLines', () => {
  it('shows type, description and default, and nothing of a secret (N4)', () => {
    expect(parameterLines('cards', parameters)).toEqual([
      'Parameters of job "cards":',
      '  --param input=STRING     Input file. Default: a.csv',
      '  --param within=DURATION  How far to look back. Default: 60m',
      '  --param limit=NUMBER     Required.',
      '  --param token=SECRET     Access token. Secret: neither shown nor stored.',
    ])
  })

  it('says that there are none', () => {
    expect(parameterLines('cards', [])).toEqual(['Job "cards" has no parameters.'])
  })
})
