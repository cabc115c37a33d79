import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runJob } from 'millrace'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readAlerts } from '../../examples/demo/alert-files.ts'
import { readTopicRows, readWithKafkaJs } from '../../examples/demo/topic-rows.ts'
import { bundledTransactions, produceTransactions } from '../../examples/demo/transaction-feed.ts'
import { BUNDLED, readCards } from '../fraud/card-files.ts'
import { expectedAlerts, parseTransactions } from '../fraud/expected-alerts.ts'
import { describeKafka } from '../servers/kafka-for-tests.ts'

const ROWS = 8_000

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-kafka-fraud-'))
})

afterAll(() => rm(folder, { recursive: true }))

function runExample(name: string, params: Readonly<Record<string, unknown>>) {
  return runJob(new URL(`../../examples/${name}.ts`, import.meta.url), {
    parallelism: 2,
    dir: join(folder, 'state'),
    checkpointInterval: '200ms',
    params,
  })
}

describeKafka('the fraud job from topic to topic', (kafka) => {
  it('raises what it does on files', async () => {
    const { brokers, client } = kafka
    const [input, output] = [await kafka.createTopic(2), await kafka.createTopic(2)]
    await produceTransactions(client, input, bundledTransactions().slice(0, ROWS))
    const params = { brokers, input, output, bounded: true }
    const { status, metrics } = await runExample('kafka-fraud', params)
    expect([status, metrics.recordsRead]).toEqual(['finished', ROWS])
    const fromTopic = (await readTopicRows(client, brokers, output)).toSorted()

    const text = `${readCards(BUNDLED)
      .split('\n', ROWS + 1)
      .join('\n')}\n`
    const [cards, out] = [join(folder, 'cards.csv'), join(folder, 'out')]
    await writeFile(cards, text)
    await runExample('fraud-detection', { input: cards, out })
    const fromFiles = (await readAlerts(out)).rows.toSorted()

    expect(fromTopic).toEqual(fromFiles)
    expect(fromFiles).toEqual(expectedAlerts(parseTransactions(text)))
    const rules = new Set(fromTopic.map((row) => (JSON.parse(row) as { rule: string }).rule))
    expect(rules.size).toBe(4)
    // What the demo reads with where there is no Java.
    expect((await readWithKafkaJs(client, output)).toSorted()).toEqual(fromTopic)
  })
})
