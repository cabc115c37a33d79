import type { JavaRandom } from './java-random.ts'

const FIRST_NAMES = 'Peter Paul Luke John Saul Vicky Kate Julie Sarah Deiter Walter'.split(' ')
const LAST_NAMES = 'Shultz Abrams Spencer White Bartels Walton Smith Jones Noris'.split(' ')
const CITIES =
  'Phoenix,Los Angeles,San Francisco,Boise,Portland,Bend,Redmond,Seattle,Kent,Cheyenne'.split(',')
const STATES = 'AZ CA ID OR WA WY'.split(' ')

const LETTER_A = 97
const SPACE = 32
const ENOUGH = 1_024

/** The texts of events, each drawn anew. */
export class RandomText {
  readonly #random: JavaRandom
  /** Texts are put together here: they become flat strings of one byte a character, which no query has to flatten. */
  readonly #bytes: Buffer = Buffer.alloc(ENOUGH)

  constructor(random: JavaRandom) {
    this.#random = random
  }

  name(): string {
    const first = this.#pick(FIRST_NAMES)
    return this.#flat(`${first} ${this.#pick(LAST_NAMES)}`)
  }

  email(): string {
    const user = this.words(7)
    return this.#flat(`${user}@${this.words(5)}.com`)
  }

  /** Four groups of four digits. */
  creditCard(): string {
    const groups: string[] = []
    for (let i = 0; i < 4; i++) groups.push(String(10_000 + this.#random.nextInt(10_000)).slice(1))
    return groups.join(' ')
  }

  city(): string {
    return this.#pick(CITIES)
  }

  state(): string {
    return this.#pick(STATES)
  }

  /** At least three characters and fewer than `max`, letters and spaces, before spaces at the ends are cut off. */
  words(max: number): string {
    const length = 3 + this.#random.nextInt(max - 3)
    const bytes = this.#bytes
    for (let i = 0; i < length; i++) {
      bytes[i] = this.#random.nextInt(13) === 0 ? SPACE : LETTER_A + this.#random.nextInt(26)
    }
    let from = 0
    let to = length
    while (from < to && bytes[from] === SPACE) from++
    while (to > from && bytes[to - 1] === SPACE) to--
    return bytes.toString('latin1', from, to)
  }

  /** About so many characters. A negative draw gives a negative remainder, so that 'H' to '`' occur too. */
  padding(average: number): string {
    if (average < 0) return ''
    const spread = Math.round(average * 0.2)
    const length = average - spread + (spread === 0 ? 0 : this.#random.nextInt(2 * spread))
    const bytes = this.#bytes
    let draw = 0
    for (let i = 0; i < length; i++) {
      if (i % 6 === 0) draw = this.#random.nextInt32()
      bytes[i] = LETTER_A + (draw % 26)
      draw = (draw / 26) | 0
    }
    return bytes.toString('latin1', 0, length)
  }

  #pick(from: readonly string[]): string {
    return from[this.#random.nextInt(from.length)]!
  }

  #flat(text: string): string {
    return this.#bytes.toString('latin1', 0, this.#bytes.write(text, 'latin1'))
  }
}
