import {
  boundedOutOfOrderness,
  csv,
  fileSink,
  fileSource,
  job,
  json,
  listState,
  mapState,
  type Out,
  param,
  processFunction,
  valueState,
} from 'millrace'
import { isNoteOf, noteOf, PAGES, pageOf, type LedgerRow } from '../ledger-rows.ts'

interface Row {
  readonly seq: number
  readonly ts: number
  readonly cc_num: string
  readonly amt: number
}

/**
 * A job with more state than fits into a small cache, in all kinds of state, and a row for every record: whatever is lost,
 * doubled or old in any of it shows in the rows. What it puts out is computed another way in `ledger-rows.ts`.
 */
export default job(
  'ledger',
  {
    params: {
      input: param.string(undefined, 'Card transactions: a CSV file, a folder or a glob'),
      out: param.string(undefined, 'Where the rows go'),
      rate: param.number(0),
      note: param.number(100, 'Length of a note in state'),
      roll: param.number(1_000_000, 'Bytes of an output file'),
    },
  },
  (env, params) => {
    env
      .fromSource(fileSource({ path: params.input, format: rows, rate: params.rate }), {
        uid: 'transactions',
        watermarks: boundedOutOfOrderness('5s', (row) => row.ts * 1_000),
      })
      .keyBy((row) => row.cc_num)
      .process(ledger(params.note), { uid: 'ledger' })
      .sinkTo(fileSink({ dir: params.out, format: json<LedgerRow>(), rollSize: params.roll }), {
        uid: 'rows',
      })
  },
)

const rows = csv({
  columns: { seq: 'number', ts: 'number', cc_num: 'string', amt: 'number' },
})

const ledger = (length: number) =>
  processFunction({
    state: {
      count: valueState<number>(),
      notes: mapState<number, string>(),
      open: listState<number>(),
    },

    processElement({ seq, cc_num, amt }: Row, ctx, out: Out<LedgerRow>) {
      const { count, notes, open } = ctx.state
      const n = (count.value() ?? 0) + 1
      count.update(n)
      const page = pageOf(seq)
      const note = notes.get(page)
      const previous = note === undefined ? -1 : Number.parseInt(note, 10)
      const isIntact = note === undefined || isNoteOf(note, previous, length)
      if (Math.round(amt * 100) % 5 === 0) notes.remove(page)
      else notes.put(page, noteOf(seq, length))
      if (n % (2 * PAGES) === 0) notes.clear()
      open.add(seq)
      const seqs = open.get()
      const sum = seqs.length < 7 ? 0 : seqs.reduce((a, b) => a + b, 0)
      if (sum > 0) open.clear()
      out.emit({ seq, card: cc_num, n, previous: isIntact ? previous : -2, sum })
    },
  })
