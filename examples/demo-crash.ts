import { type ChildProcess, spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { moreIn, readAlerts } from './demo/alert-files.ts'
import { asProcess, demoCommandLine, demoFolder } from './demo/command-line.ts'

/*
 * `npm run demo:crash`: the demo in a process of its own, killed with SIGKILL after its third checkpoint and started
 * again; then the same without interruption, and the comparison of what a consumer finds in the two output folders.
 */

/** A line that the child writes with `--json`. */
interface Line {
  readonly type: string
  readonly mode?: string
  readonly checkpointId?: number
  readonly restored?: { readonly checkpointId: number }
  readonly status?: string
}

type Step = (line: Line, child: ChildProcess) => void

/** Runs the demo in a child process and hands over its JSON lines; resolves with how it ended. */
async function runChild(commandLine: readonly string[], step: Step): Promise<string> {
  const [file, args] = asProcess([...commandLine, '--json'])
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ended = new Promise<string>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
  for await (const line of createInterface({ input: child.stdout })) {
    step(JSON.parse(line) as Line, child)
  }
  const end = await ended
  if (end !== 'SIGKILL' && end !== 'exit code 0') throw new Error(`${end}\n${errors}`)
  return end
}

async function demoCrash(): Promise<boolean> {
  const crashed = demoFolder('demo-crash')
  const whole = demoFolder('demo-uninterrupted')
  for (const { path } of [crashed, whole]) await rm(path, { recursive: true, force: true })
  const commandLine = demoCommandLine(crashed, [])

  console.log('1. The demo, in a process of its own.')
  let checkpoints = 0
  const end = await runChild(commandLine, (line, child) => {
    if (line.type !== 'checkpoint') return
    console.log(`   checkpoint ${line.checkpointId} is complete`)
    if (++checkpoints === 3) child.kill('SIGKILL')
  })
  const early = await readAlerts(crashed.alerts)
  console.log(`   killed with ${end}; ${early.rows.length} alerts are in finished files`)

  console.log('2. The same command again.')
  let isResumed = false
  await runChild(commandLine, (line) => {
    if (line.type === 'started') {
      isResumed = line.mode === 'resumed' && line.restored !== undefined
      console.log(`   ${line.mode} from checkpoint ${line.restored?.checkpointId}`)
    }
    if (line.type === 'checkpoint') console.log(`   checkpoint ${line.checkpointId} is complete`)
    if (line.type === 'finished') console.log(`   ${line.status}`)
  })

  console.log('3. The same input without interruption, as fast as it goes.')
  await runChild(demoCommandLine(whole, ['--param', 'rate=0']), (line) => {
    if (line.type === 'finished') console.log(`   ${line.status}`)
  })

  return compare(crashed.alerts, whole.alerts, end === 'SIGKILL' && isResumed)
}

async function compare(crashed: string, whole: string, wasCrashed: boolean): Promise<boolean> {
  const [a, b] = await Promise.all([readAlerts(crashed), readAlerts(whole)])
  const doubled = moreIn(a.rows, b.rows)
  const lost = moreIn(b.rows, a.rows)
  console.log('4. Comparison of the finished files, row by row, in any order:')
  console.log(`   with the crash  ${a.rows.length} alerts in ${crashed}`)
  console.log(`   without         ${b.rows.length} alerts in ${whole}`)
  for (const row of doubled.slice(0, 10)) console.log(`   only with the crash: ${row}`)
  for (const row of lost.slice(0, 10)) console.log(`   only without: ${row}`)
  const isEqual = doubled.length === 0 && lost.length === 0 && b.rows.length > 0
  if (!wasCrashed) console.log('   but the demo was not interrupted: this shows nothing')
  console.log(isEqual ? '   EQUAL: no alert lost, none doubled' : '   DIFFERENT')
  return isEqual && wasCrashed
}

process.exitCode = (await demoCrash()) ? 0 : 1
