import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missingForMaven } from '../test/servers/maven-jars.ts'
import { countByRule, readAlerts } from './demo/alert-files.ts'
import { runChild } from './demo/child-run.ts'
import { demoCommandLine, kafkaCommandLine } from './demo/command-line.ts'
import { compareAlerts } from './demo/comparison.ts'
import { type DemoBroker, demoBroker } from './demo/demo-broker.ts'
import { CannotRun, demoCommand } from './demo/demo-command.ts'
import { readTopicRows, TOPIC_READER } from './demo/topic-rows.ts'
import { bundledTransactions, produceTransactions } from './demo/transaction-feed.ts'

const usage = `npm run demo:kafka

Starts a real Apache Kafka (fetched with Maven the first time, 43 MB), writes the bundled card transactions to a topic, runs the fraud
job from it to a topic of alerts in a process of its own, kills that with SIGKILL after its third checkpoint, starts it again, and compares
what a read_committed consumer finds with the alerts of an uninterrupted run on files. Nothing of it stays.

  KAFKA_BROKERS=host:port   takes a broker of yours (no TLS, no SASL), with two topics that are deleted in the end; the topic of
                            markers, millrace-markers, stays there

Needs Java 17 or later and Maven, or KAFKA_BROKERS. Exit 0 when the alerts are equal, 1 when not, 2 when there is no broker to be had.`

async function demoKafka(signal: AbortSignal): Promise<boolean> {
  const given = process.env['KAFKA_BROKERS']
  const missing = missingForMaven()
  if (given === undefined && missing !== undefined) {
    throw new CannotRun(
      `The demo has no Kafka broker: ${missing}, or set KAFKA_BROKERS=host:port to a broker of yours.`,
    )
  }
  const folder = await mkdtemp(join(tmpdir(), 'millrace-demo-kafka-'))
  try {
    console.log(given === undefined ? '1. A Kafka broker.' : `1. Two topics on ${given}.`)
    const broker = await demoBroker(given)
    try {
      return await killAndCompare(broker, folder, signal)
    } finally {
      await broker.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function killAndCompare(
  broker: DemoBroker,
  folder: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { brokers, client, transactions, alerts } = broker
  const read = () => readTopicRows(client, brokers, alerts)
  signal.throwIfAborted()
  console.log(`   ${brokers} has the topics ${transactions} and ${alerts}, of two partitions each`)

  console.log(`2. The bundled transactions, into ${transactions}.`)
  const tell = (line: string): void => console.log(`   ${line}`)
  await produceTransactions(client, transactions, bundledTransactions(), { signal, tell })

  console.log('3. The fraud job from topic to topic, in a process of its own.')
  const commandLine = kafkaCommandLine(join(folder, 'state'), broker)
  const { isKilled } = await runChild({ commandLine, signal, killAfter: 3 })
  console.log(`   ${(await read()).length} alerts are committed`)

  console.log('4. The same command again.')
  const { isResumed } = await runChild({ commandLine, signal })

  console.log('5. The same transactions from the bundled file, without interruption.')
  const files = { path: join(folder, 'files'), alerts: join(folder, 'files', 'alerts') }
  await runChild({ commandLine: demoCommandLine(files, ['--param', 'rate=0']), signal })

  console.log(`6. Comparison with what ${TOPIC_READER} reads with read_committed, in any order:`)
  const crashed = { rows: await read(), place: `the topic ${alerts}` }
  const isEqual = compareAlerts(crashed, {
    rows: (await readAlerts(files.alerts)).rows,
    place: 'files',
  })
  for (const [rule, count] of countByRule(crashed.rows)) {
    console.log(`   ${rule.padEnd(18)} ${count}`)
  }
  if (isKilled && isResumed) return isEqual
  console.log('   but the job was not interrupted: this shows nothing')
  return false
}

process.exitCode = await demoCommand(usage, demoKafka)
