import {
  boundedOutOfOrderness,
  dataGeneratorSource,
  fileSink,
  job,
  json,
  type Out,
  param,
  sumOf,
  tumblingEventTimeWindows,
} from 'millrace'
import { type Points, pointsOf } from './generated/points.ts'

/** The best players of a minute, best first. */
export interface Leaderboard {
  /** When the minute ended, in ms since the epoch. */
  readonly end: number
  readonly best: readonly Score[]
}

interface Score {
  readonly player: string
  readonly points: number
  readonly end: number
}

/** Who has won most points in each minute: the sum of each player, and the first few of all. */
export default job(
  'leaderboard',
  {
    params: {
      count: param.number(60_000, 'How many points are won; 0 never ends'),
      rate: param.number(0, 'Records per second; 0 is as fast as possible'),
      places: param.number(5, 'How many players a board has'),
      out: param.string('out/leaderboard', 'Where the boards go'),
    },
  },
  (env, { count, rate, places, out }) => {
    const points = dataGeneratorSource({ generate: pointsOf, rate, ...(count > 0 && { count }) })
    env
      .fromSource(points, {
        uid: 'points',
        watermarks: boundedOutOfOrderness('1s', ({ at }) => at),
      })
      .keyBy(({ player }) => player)
      .window(tumblingEventTimeWindows('1m'))
      .aggregate(
        sumOf((won: Points) => won.points),
        (sum, { key: player, window: { end } }, scores: Out<Score>) =>
          scores.emit({ player, points: sum, end }),
        { uid: 'points-per-player' },
      )
      // The sums of a minute have its end as their time: the same windows once more, over all players.
      .keyBy(({ end }) => end)
      .window(tumblingEventTimeWindows('1m'))
      .topN(places, { uid: 'best', compare: bestFirst })
      .map((best): Leaderboard => ({ end: best[0]!.end, best }))
      .sinkTo(fileSink({ dir: out, format: json<Leaderboard>() }), { uid: 'boards' })
  },
)

/** Who has the same number of points stands in the order of names, whichever thread was first. */
function bestFirst(a: Score, b: Score): number {
  return b.points - a.points || (a.player < b.player ? -1 : 1)
}
