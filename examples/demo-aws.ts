import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missingForMoto } from '../test/servers/moto-server.ts'
import { countByRule, readAlerts } from './demo/alert-files.ts'
import { runChild } from './demo/child-run.ts'
import { awsCommandLine, demoCommandLine } from './demo/command-line.ts'
import { compareAlerts, moreIn } from './demo/comparison.ts'
import { DemoAws } from './demo/demo-aws-services.ts'
import { CannotRun, demoCommand } from './demo/demo-command.ts'
import { bundledTransactions } from './demo/transaction-feed.ts'

const usage = `npm run demo:aws

Starts stand-ins for Kinesis, Firehose and S3 on this machine, writes the bundled card transactions to a stream, runs the fraud job from it
to Firehose and S3 with its checkpoints in S3, kills that with SIGKILL after its third checkpoint, starts it again as on another machine,
with nothing but what is in S3, and compares the alerts with those of an uninterrupted run on files. Nothing of it stays.

Needs Python 3 with venv, into which moto is installed the first time. Exit 0 when the alerts in S3 are equal and Firehose has them all,
1 when not, 2 when Python is missing.`

async function demoAws(signal: AbortSignal): Promise<boolean> {
  const missing = missingForMoto()
  if (missing !== undefined) throw new CannotRun(`The demo has no S3: ${missing}.`)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-demo-aws-'))
  try {
    console.log('1. Stand-ins for Kinesis, Firehose and S3.')
    const aws = await DemoAws.start()
    try {
      return await killAndCompare(aws, folder, signal)
    } finally {
      await aws.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function killAndCompare(aws: DemoAws, folder: string, signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted()
  const { stream, deliveryStream, lake, state } = aws
  console.log(`   the stream ${stream} of two shards, the delivery stream ${deliveryStream}`)
  console.log(`   alerts go to ${lake}, checkpoints to ${state}`)

  console.log(`2. The bundled transactions, into ${stream}.`)
  const tell = (line: string): void => console.log(`   ${line}`)
  await aws.put(bundledTransactions(), { signal, tell })

  console.log('3. The fraud job from the stream into both, in a process of its own.')
  const run = (work: string) => ({
    commandLine: awsCommandLine(aws, join(folder, work)),
    env: aws.environment,
    signal,
  })
  const { isKilled } = await runChild({ ...run('one-machine'), killAfter: 3 })
  console.log(`   ${(await aws.kept()).length} alerts are in S3, for all to see`)

  console.log('4. The same command with an empty work folder, as on another machine.')
  const { isResumed } = await runChild(run('another-machine'))

  console.log('5. The same transactions from the bundled file, without interruption.')
  const files = { path: join(folder, 'files'), alerts: join(folder, 'files', 'alerts') }
  await runChild({ commandLine: demoCommandLine(files, ['--param', 'rate=0']), signal })

  console.log('6. Comparison of what is in S3, exactly once, in any order:')
  const kept = await aws.kept()
  const whole = (await readAlerts(files.alerts)).rows
  const isEqual = compareAlerts({ rows: kept, place: lake }, { rows: whole, place: 'files' })
  for (const [rule, count] of countByRule(kept)) console.log(`   ${rule.padEnd(18)} ${count}`)
  const delivered = await aws.delivered()
  const lost = moreIn(whole, delivered).length
  const doubled = delivered.length - whole.length + lost
  console.log(
    `   Firehose, which is told of each alert at least once: ${lost} lost, ${doubled} told twice`,
  )
  if (isKilled && isResumed) return isEqual && lost === 0
  console.log('   but the job was not interrupted: this shows nothing')
  return false
}

process.exitCode = await demoCommand(usage, demoAws)
