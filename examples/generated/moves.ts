import { chance, START } from './chance.ts'

/** A player is seen at a place. */
export interface Move {
  readonly player: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Metres from a corner of the map. */
  readonly x: number
  readonly y: number
  /** Shots since the last move, and how many of them have hit. */
  readonly shots: number
  readonly hits: number
}

const PLAYERS = 50
const SECOND = 1_000

/** Each player once a second, in turns. Player 7 jumps now and then, and player 13 hits nearly always. */
export function moveOf(index: number): Move {
  const player = index % PLAYERS
  const second = Math.floor(index / PLAYERS)
  const jumps = player === 7 && second % 40 === 39
  const angle = second / 30 + player
  const radius = 100 + (jumps ? 150 : 0)
  const shots = Math.floor(4 * chance(index, 1))
  const aim = player === 13 ? 0.97 : 0.35
  const hits = Array.from({ length: shots }, (_, shot) => chance(index, 2, shot) < aim)
  return {
    player: `player-${player}`,
    at: START + second * SECOND + Math.floor(200 * chance(index, 3)),
    x: 500 + radius * Math.cos(angle),
    y: 500 + radius * Math.sin(angle),
    shots,
    hits: hits.filter(Boolean).length,
  }
}
