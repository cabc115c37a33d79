import { fileSink, job, json, noWatermarks, param } from 'millrace'
import { kinesisSource } from 'millrace/aws'
import { standIn } from '../../test/servers/aws-for-tests.ts'
import { stampStart } from '../started.ts'
import type { Payment } from './fast-kinesis.ts'

/** Reads a stream to its end, and puts out nothing. */
export default job(
  'kinesis-bench',
  {
    params: {
      endpoint: param.string(undefined),
      out: param.string(undefined),
      stamps: param.string(undefined, 'File for the time of the first record'),
    },
  },
  (env, { endpoint, out, stamps }) => {
    let isFirst = true
    let sum = 0
    env
      .fromSource(
        kinesisSource({
          ...standIn(endpoint),
          stream: 'bench',
          value: json<Payment>(),
          start: 'earliest',
          end: 'latest',
          // As fast as it goes: the limits of the service are not what is measured.
          pollInterval: 0,
        }),
        { uid: 'input', watermarks: noWatermarks() },
      )
      .filter((payment) => {
        if (isFirst) stampStart(stamps)
        isFirst = false
        sum += payment.amount
        return sum < 0
      })
      .sinkTo(fileSink({ dir: out, format: json() }), { uid: 'output' })
  },
)
