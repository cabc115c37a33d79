import { processFunction, valueState } from 'millrace'
import { keyGroup, OperatorRig } from '../operator-rig.ts'
import { differences } from './in-turns.ts'

const RECORDS = 1_000_000
const KEYS = 100_000

interface Total {
  count: number
  cents: number
}

interface Purchase {
  readonly cents: number
}

const reading = processFunction({
  state: { total: valueState<Total>() },
  processElement({ cents }: Purchase, ctx) {
    const total = ctx.state.total.value() ?? { count: 0, cents: 0 }
    total.count++
    total.cents += cents
    ctx.state.total.update(total)
  },
})

const without = processFunction({
  state: { total: valueState<Total>() },
  processElement() {},
})

/**
 * A value that is in memory, read, changed in place and updated, of one of 100,000 keys in no order: the difference to a function of
 * the same state that does not look at it.
 */
export async function stateCosts(rounds: number): Promise<Record<string, readonly number[]>> {
  const groups = Array.from({ length: KEYS }, (_, key) => keyGroup(key))
  const records = Array.from({ length: 1_024 }, (_, index): Purchase => ({ cents: index }))
  const through = async (spec: (typeof reading)['spec']) => {
    const rig = await OperatorRig.open(spec)
    return () => {
      for (let i = 0; i < RECORDS; i++) {
        const key = (i * 7_919) % KEYS
        rig.element(key, groups[key]!, records[i & 1_023], i)
      }
    }
  }
  const works = { with: await through(reading.spec), without: await through(without.spec) }
  return { 'state hit': await differences(rounds, RECORDS, works) }
}
