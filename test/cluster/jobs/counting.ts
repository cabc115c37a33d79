import {
  dataGeneratorSource,
  fileSink,
  fixedDelayRestart,
  job,
  json,
  type Out,
  param,
  processFunction,
  valueState,
} from 'millrace'
import { failAtMost, type Fault, hangAfter } from './faults.ts'

interface Row {
  readonly key: string
  readonly index: number
}

/** Numbers the records of each of ten keys, and may fail at one of them. */
export default job(
  'counting',
  {
    params: {
      out: param.string(undefined, 'Where the rows go'),
      count: param.number(1_000),
      rate: param.number(0),
      fault: param.string(''),
      at: param.number(-1, 'The record at which it fails'),
      times: param.number(1, 'How often, over all attempts'),
      marks: param.string('', 'A folder that counts failures; for "hang" a file that starts it'),
    },
    restart: fixedDelayRestart({ attempts: 100, delay: '10ms' }),
  },
  (env, params) => {
    const { count, rate, fault, at, times, marks } = params
    const numbered = processFunction({
      state: { seen: valueState<number>() },
      processElement(
        { key, index }: Row,
        ctx,
        out: Out<{ key: string; index: number; n: number }>,
      ) {
        if (fault === 'hang') hangAfter(marks)
        else if (fault !== '' && index === at) failAtMost(times, fault as Fault, marks)
        const n = (ctx.state.seen.value() ?? 0) + 1
        ctx.state.seen.update(n)
        out.emit({ key, index, n })
      },
    })
    env
      .fromSource(
        dataGeneratorSource({
          count,
          rate,
          generate: (index): Row => ({ key: `k${index % 10}`, index }),
        }),
        { uid: 'rows' },
      )
      .keyBy((row) => row.key)
      .process(numbered, { uid: 'number' })
      .sinkTo(fileSink({ dir: params.out, format: json() }), { uid: 'out' })
  },
)
