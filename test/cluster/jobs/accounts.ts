import {
  type BadRecord,
  boundedOutOfOrderness,
  csv,
  fileSink,
  fileSource,
  fixedDelayRestart,
  job,
  json,
  outputTag,
  param,
} from 'millrace'
import { balance, failsInMap, type Posting, spoiledKey } from './account-faults.ts'

/** Where the first posting stands in event time; each that follows is a second later. */
const EPOCH = 1_700_000_000_000

/**
 * Adds up the postings of each account, from a file to a file. With `fault` it goes wrong at the posting with the id `at`, at
 * most `times` times over all attempts and runs.
 */
export default job(
  'accounts',
  {
    params: {
      input: param.string(undefined, 'Postings: id, account, cents'),
      out: param.string(undefined, 'Where the balances go'),
      rate: param.number(0, 'Postings a second; 0 is without limit'),
      onError: param.string('fail', 'What happens with rows that cannot be read'),
      uid: param.string('balance', 'What the operator with the state is called'),
      fault: param.string('', 'What goes wrong'),
      at: param.number(-1, 'At which posting'),
      times: param.number(1, 'How often, over all attempts and runs'),
      marks: param.string('', 'A folder in which it is counted how often'),
    },
    restart: fixedDelayRestart({ attempts: 100, delay: '10ms' }),
  },
  (env, params) => {
    const { input, out, rate, onError } = params
    const bad = outputTag<BadRecord>('bad')
    const postings = env.fromSource(
      fileSource({
        path: input,
        format: csv({ columns: { id: 'number', account: 'string', cents: 'number' } }),
        rate,
        onError: onError === 'side' ? bad : (onError as 'fail' | 'skip'),
      }),
      { uid: 'postings', watermarks: boundedOutOfOrderness('1s', ({ id }) => EPOCH + id * 1_000) },
    )
    if (onError === 'side') {
      postings
        .getSideOutput(bad)
        .sinkTo(fileSink({ dir: `${out}-bad`, format: json() }), { uid: 'bad' })
    }
    postings
      .map(failsInMap(params))
      .keyBy((posting: Posting) => spoiledKey(posting, params))
      .process(balance(params), { uid: params.uid })
      .sinkTo(fileSink({ dir: out, format: json() }), { uid: 'balances' })
  },
)
