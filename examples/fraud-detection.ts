import { fileURLToPath } from 'node:url'
import { boundedOutOfOrderness, csv, fileSink, fileSource, job, json, param } from 'millrace'
import type { Alert } from './fraud/alert.ts'
import { fraudRules } from './fraud/fraud-rules.ts'
import { toTransaction } from './fraud/transaction.ts'

const bundled = fileURLToPath(new URL('data/card-transactions.csv.gz', import.meta.url))

/** Four rules over card transactions; each alert is one line of JSON. */
export default job(
  'fraud-detection',
  {
    params: {
      input: param.string(bundled, 'Card transactions: a CSV file, a folder or a glob'),
      out: param.string('out/alerts', 'Where the alerts go'),
      rate: param.number(0, 'Rows per second; 0 is as fast as possible'),
    },
  },
  (env, params) => {
    const transactions = env
      .fromSource(fileSource({ path: params.input, format: rows, rate: params.rate }), {
        uid: 'transactions',
        watermarks: boundedOutOfOrderness('5s', (row) => row.ts * 1_000),
      })
      .map(toTransaction)

    fraudRules(transactions).sinkTo(fileSink({ dir: params.out, format: json<Alert>() }), {
      uid: 'alerts',
    })
  },
)

const rows = csv({
  columns: {
    seq: 'number',
    ts: 'number',
    // Up to 19 digits: more than a number can hold exactly.
    cc_num: 'string',
    amt: 'number',
    merch_lat: 'number',
    merch_long: 'number',
  },
})
