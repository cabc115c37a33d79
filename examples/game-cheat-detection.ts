import {
  boundedOutOfOrderness,
  dataGeneratorSource,
  fileSink,
  job,
  json,
  type Out,
  param,
  processFunction,
  valueState,
} from 'millrace'
import { type Move, moveOf } from './generated/moves.ts'

/** What a player has done that nobody can. */
export interface Cheat {
  readonly player: string
  readonly kind: 'too-fast' | 'too-accurate'
  readonly at: number
  /** Metres a second, or hits per hundred shots. */
  readonly value: number
}

const [FASTEST, SHOTS, MOST_HITS, FORGOTTEN_MS] = [12, 40, 85, 60_000]

/** Finds players who move faster than one can run, and those who hit more often than one can. */
export default job(
  'game-cheat-detection',
  {
    params: {
      count: param.number(60_000, 'How many moves are made; 0 never ends'),
      rate: param.number(0, 'Records per second; 0 is as fast as possible'),
      out: param.string('out/game-cheats', 'Where the cheats go'),
    },
  },
  (env, { count, rate, out }) => {
    const moves = dataGeneratorSource({ generate: moveOf, rate, ...(count > 0 && { count }) })
    env
      .fromSource(moves, {
        uid: 'moves',
        // One thread makes all, so that those of a player come in order.
        parallelism: 1,
        watermarks: boundedOutOfOrderness('1s', ({ at }) => at),
      })
      .keyBy(({ player }) => player)
      .process(cheats(), { uid: 'cheats' })
      .sinkTo(fileSink({ dir: out, format: json<Cheat>() }), { uid: 'cheats-out' })
  },
)

export const cheats = () =>
  processFunction({
    state: {
      last: valueState<Pick<Move, 'at' | 'x' | 'y'>>(),
      aim: valueState<{ shots: number; hits: number }>(),
    },

    processElement({ player, at, x, y, shots, hits }: Move, ctx, out: Out<Cheat>) {
      const { last, aim } = ctx.state
      const before = last.value()
      if (before !== undefined && at > before.at) {
        ctx.timers.deleteEventTime(before.at + FORGOTTEN_MS)
        const value = (Math.hypot(x - before.x, y - before.y) / (at - before.at)) * 1_000
        if (value > FASTEST) out.emit({ player, kind: 'too-fast', at, value: Math.round(value) })
      }
      last.update({ at, x, y })
      ctx.timers.registerEventTime(at + FORGOTTEN_MS)
      const sum = aim.value() ?? { shots: 0, hits: 0 }
      const all = { shots: sum.shots + shots, hits: sum.hits + hits }
      aim.update(all.shots < SHOTS ? all : { shots: 0, hits: 0 })
      const value = Math.round((100 * all.hits) / all.shots)
      if (all.shots >= SHOTS && value > MOST_HITS)
        out.emit({ player, kind: 'too-accurate', at, value })
    },

    /** A player who has been gone for a minute may come back anywhere. */
    onTimer(_timestamp, ctx) {
      ctx.state.last.clear()
    },
  })
