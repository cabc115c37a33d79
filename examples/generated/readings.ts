import { chance, START } from './chance.ts'

/** What a sensor has measured. */
export interface Reading {
  readonly sensor: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Degrees Celsius. */
  readonly celsius: number
}

const SENSORS = 40
const EVERY_MS = 5_000

/** Each sensor every five seconds, in turns. Sensor 3 is too hot now and then, sensor 11 falls silent for good. */
export function readingOf(index: number): Reading {
  const turn = Math.floor(index / SENSORS)
  const own = index % SENSORS
  // What a silent sensor would send, another one sends: each index makes a record.
  const sensor = own === 11 && turn >= 400 ? 12 : own
  const noise = chance(index, 1) + chance(index, 2) + chance(index, 3) - 1.5
  const isHot = sensor === 3 && turn % 300 === 299
  const celsius = 20 + sensor / 4 + 5 * Math.sin(turn / 2_000) + noise + (isHot ? 12 : 0)
  return { sensor: `sensor-${sensor}`, at: START + turn * EVERY_MS + own, celsius }
}
