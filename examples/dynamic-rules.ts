import { fileURLToPath } from 'node:url'
import {
  type BadRecord,
  boundedOutOfOrderness,
  type DataStream,
  fileSink,
  fileSource,
  job,
  json,
  monotonousTimestamps,
  outputTag,
  param,
} from 'millrace'
import { judged, type RuleAlert } from './dynamic-rules/judged.ts'
import { type Payment, paymentRows, timeOf, toPayment } from './dynamic-rules/payment.ts'
import { ruleChanges } from './dynamic-rules/rule-changes.ts'
import type { RuleChange } from './dynamic-rules/rule.ts'
import { rulesInForce } from './dynamic-rules/rules-in-force.ts'

const data = (name: string): string => fileURLToPath(new URL(`data/${name}`, import.meta.url))

/**
 * Rules over card transactions that are added, paused, resumed and removed while the job runs.
 *
 * A change takes effect in event time, at the moment that it names itself: a payment is judged by the rules in force at its
 * own time, however far either file has been read by then. So payments wait until both are known to have come to that time,
 * and the alerts are the same at any parallelism, in every run, and through crashes.
 */
export default job(
  'dynamic-rules',
  {
    params: {
      input: param.string(data('card-transactions.csv.gz'), 'Card transactions: CSV files'),
      rules: param.string(data('fraud-rules.jsonl'), 'Changes of rules, by time: JSON lines'),
      out: param.string('out/dynamic-rules', 'Where the alerts go'),
      rate: param.number(0, 'Rows per second; 0 is as fast as possible'),
    },
  },
  (env, params) => {
    const payments = env
      .fromSource(fileSource({ path: params.input, format: paymentRows, rate: params.rate }), {
        uid: 'payments',
        watermarks: boundedOutOfOrderness('5s', timeOf),
      })
      .map(toPayment)

    const format = json({ validate: ruleChanges })
    const changes = env.fromSource(fileSource({ path: params.rules, format, onError: refused }), {
      uid: 'rules',
      watermarks: monotonousTimestamps((change) => change.at),
    })

    alertsOf(payments, changes)
      .union(changes.getSideOutput(refused).map(({ error }) => ({ error })))
      .sinkTo(fileSink({ dir: params.out, format: json() }), { uid: 'alerts' })
  },
)

/** A rule that makes no sense must not stop the others. */
const refused = outputTag<BadRecord>('refused-rules')

/** Each rule groups by other fields: so payments are keyed anew, by rule and group, once their rules are known. */
export const alertsOf = (
  payments: DataStream<Payment>,
  changes: DataStream<RuleChange>,
): DataStream<RuleAlert> =>
  payments
    .keyBy((payment) => payment.card)
    .connect(changes.broadcast())
    .process(rulesInForce(), { uid: 'rules-in-force' })
    .keyBy(({ rule, group }) => [rule.id, rule.since, ...group])
    .process(judged(), { uid: 'judged' })
