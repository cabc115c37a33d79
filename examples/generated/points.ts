import { chance, START } from './chance.ts'

/** A player has won points. */
export interface Points {
  readonly player: string
  readonly points: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

const PLAYERS = 200

/** 20 a second; some players win more often than others. They come up to a second late. */
export function pointsOf(index: number): Points {
  const player = Math.floor(PLAYERS * chance(index, 1) ** 2)
  const at = START + index * 50 - Math.floor(1_000 * chance(index, 2))
  return { player: `player-${player}`, points: 1 + Math.floor(10 * chance(index, 3)), at }
}
