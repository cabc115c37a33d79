import type { Out } from '../../../operators/collector.ts'
import { windowProcessFunction } from '../../../operators/window/window-function.ts'
import type { GlobalWindow } from '../../../operators/window/time-window.ts'
import type { Random } from '../../../runtime/clock.ts'
import type { Key } from '../../../runtime/key.ts'
import { below } from '../../simulation/rows.ts'
import { type Event, keyText } from '../event.ts'
import type { OracleOperator, Row } from '../oracle-operator.ts'
import { logUniform, type RandomStream } from '../random-stream.ts'
import { contents } from './contents.ts'

interface Params {
  readonly size: number
  readonly slide: number | undefined
  readonly isProcessed: boolean
}

/** Windows of so many records of a key: side by side, or the last `size` every `slide` records (semantics 2.1). */
export const countWindows: OracleOperator<Params> = {
  name: 'count-windows',
  inputs: 1,
  certainties: ['exact', 'in-time', 'loose'],
  isOrdered: true,

  draw: (random: Random, _stream: RandomStream) => ({
    size: logUniform(random, 1, 50),
    slide: below(random, 2) === 0 ? logUniform(random, 1, 20) : undefined,
    isProcessed: below(random, 2) === 0,
  }),

  build({ first, keyOf }, { size, slide, isProcessed }, options) {
    const windowed = first.keyBy(keyOf).countWindow(size, slide)
    const main = isProcessed
      ? windowed.process(processed, options)
      : windowed.aggregate(
          contents,
          (content, ctx, out: Out<Row>) => out.emit([keyText(ctx.key), ...content]),
          options,
        )
    return { main }
  },

  late: () => 'false',

  async expected({ table }, { size, slide }) {
    const columns = (over: string): string =>
      `count(*) ${over}, (sum(n) ${over})::bigint, (sum(id) ${over})::bigint, (sum(id::bigint * id) ${over})::bigint, null`
    const numbered =
      'select *, row_number() over (partition by key order by seq) as number from events'
    if (slide === undefined) {
      const sql = `select key, ${columns('')} from (${numbered})
        group by key, (number - 1) // ${size} having count(*) = ${size} order by max(seq)`
      return { rows: await table.rows(sql) }
    }
    const rows = await table.rows(`
      select key, ${columns('over last')} from (${numbered})
      window last as (partition by key order by seq rows between ${size - 1} preceding and current row)
      qualify number % ${slide} = 0 order by split, seq`)
    return { rows }
  },
}

const processed = windowProcessFunction({
  process(events: readonly Event[], ctx, out: Out<Row>) {
    out.emit([keyText(ctx.key as Key), ...events.reduce(contents.add, contents.create())])
  },
} satisfies Parameters<typeof windowProcessFunction<Event, Row, {}, {}, Key, GlobalWindow>>[0])
