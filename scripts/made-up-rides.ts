import { SeededRandom } from '../runtime/clock.ts'

const SEED = 20_130_101
const RIDES = 2_500
const START_MS = Date.UTC(2013, 0, 1)
const MINUTE_MS = 60_000
/** What is told ends here: rides under way have no END. */
const END_MS = START_MS + 150 * MINUTE_MS

/** Longitude and latitude of places where many rides begin and end. */
const CROWDED = [
  [-73.9903, 40.7557],
  [-73.9772, 40.7527],
  [-73.8722, 40.7743],
] as const

type Place = readonly [longitude: number, latitude: number]

interface Line {
  readonly time: number
  readonly text: string
}

/**
 * Made-up taxi rides, in the layout of real ones: no header, sorted by time, START and END of each ride; the same ones every
 * time. Some never end, some took longer than an hour, one exactly an hour; some places are 0, 0 or outside of the city, as
 * devices fail.
 */
export function madeUpRides(): string {
  const random = new SeededRandom(SEED)
  const lines: Line[] = []
  for (let id = 1; id <= RIDES; id++) {
    const start = START_MS + Math.floor(random.next() * 120) * MINUTE_MS + secondsOf(id)
    const end = start + lengthOf(id, random)
    const [from, to] = [placeOf(random), placeOf(random)]
    const tail = [...from, ...to, 1 + Math.floor(random.next() * 6), 2_013_000_000 + id, 7 + id]
    const line = (kind: string, time: number, other: number): void => {
      const text = [id, kind, timeText(time), timeText(other), ...tail].join(',')
      lines.push({ time, text })
    }
    line('START', start, 0)
    if (id % 17 !== 0 && end < END_MS) line('END', end, start)
  }
  // Sorting is stable: of equal times the START comes first.
  lines.sort((a, b) => a.time - b.time)
  return `${lines.map(({ text }) => text).join('\n')}\n`
}

function secondsOf(id: number): number {
  return (id % 60) * 1_000
}

/** Mostly 3 to 40 minutes, now and then more than an hour; some end in the second in which they began. */
function lengthOf(id: number, random: SeededRandom): number {
  if (id % 97 === 0) return 0
  if (id % 250 === 0) return 60 * MINUTE_MS
  const minutes = random.next() < 0.02 ? 58 + random.next() * 30 : 3 + random.next() * 37
  return Math.floor(minutes * 60) * 1_000
}

function placeOf(random: SeededRandom): Place {
  const choice = random.next()
  if (choice < 0.01) return [0, 0]
  if (choice < 0.03) return rounded(-74.05 - random.next() * 0.3, 40.5 + random.next() * 0.5)
  if (choice < 0.6) {
    const [longitude, latitude] = CROWDED[Math.floor(random.next() * CROWDED.length)]!
    return rounded(longitude + random.next() * 0.0008, latitude + random.next() * 0.0008)
  }
  return rounded(-74.02 + random.next() * 0.3, 40.6 + random.next() * 0.3)
}

/** Six digits, as devices tell them. */
function rounded(longitude: number, latitude: number): Place {
  return [Number(longitude.toFixed(6)), Number(latitude.toFixed(6))]
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}
