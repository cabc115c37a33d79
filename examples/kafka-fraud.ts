import { boundedOutOfOrderness, job, param } from 'millrace'
import { kafkaSink, kafkaSource } from 'millrace/kafka'
import { after } from './demo/after.ts'
import { fraudRules } from './fraud/fraud-rules.ts'
import { alertTopic, transactionTopic } from './fraud/kafka-topics.ts'

/**
 * The rules of fraud-detection.ts from a topic to a topic, exactly once: consumers that set `isolation.level=read_committed` see
 * each alert once, a moment after the checkpoint that it is part of.
 */
export default job(
  'kafka-fraud',
  {
    params: {
      brokers: param.string('localhost:9092', 'Some brokers, with commas between them'),
      input: param.string('transactions', 'Topic of card transactions, keyed by card'),
      output: param.string('alerts', 'Topic that the alerts go to'),
      bounded: param.boolean(false, 'Ends with what is in the topic at the first start'),
      pause: param.number(0, 'Milliseconds that each transaction takes, to watch it'),
    },
  },
  (env, { brokers, input, output, bounded, pause }) => {
    // Partitions come in any order to each other, but each has a watermark of its own, and all of a card are in one.
    const transactions = env.fromSource(
      kafkaSource({
        brokers,
        topics: transactionTopic(input),
        ...(bounded && { end: 'latest' }),
      }),
      {
        uid: 'transactions',
        watermarks: boundedOutOfOrderness('5s', (transaction) => transaction.ts * 1_000),
      },
    )

    fraudRules(
      pause > 0 ? transactions.map((transaction) => after(pause, transaction)) : transactions,
    ).sinkTo(kafkaSink({ brokers, topic: alertTopic(output), toKey: (alert) => alert.card }), {
      uid: 'alerts',
    })
  },
)
