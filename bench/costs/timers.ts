import { processFunction } from 'millrace'
import { keyGroup, OperatorRig } from '../operator-rig.ts'
import { differences } from './in-turns.ts'

const KEYS = 200_000
/** Timers are due within this, in ms. */
const SPAN = 3_600_000

interface Due {
  readonly at: number
}

const registering = processFunction({
  processElement({ at }: Due, ctx) {
    ctx.timers.registerEventTime(at)
  },
  onTimer() {},
})

const without = processFunction<Due>({ processElement() {}, onTimer() {} })

const orders: Readonly<Record<string, (i: number) => number>> = {
  'timer, in the order of time': (i) => Math.floor((i * SPAN) / KEYS),
  'timer, in no order': (i) => (i * 7_919_777) % SPAN,
}

/**
 * A timer of event time, registered and fired, one for each of 200,000 keys, which are there together: the difference to a function that
 * registers none.
 */
export async function timerCosts(rounds: number): Promise<Record<string, readonly number[]>> {
  const groups = Array.from({ length: KEYS }, (_, key) => keyGroup(key))
  const costs: Record<string, readonly number[]> = {}
  for (const [name, atOf] of Object.entries(orders)) {
    const records = Array.from({ length: KEYS }, (_, key): Due => ({ at: atOf(key) }))
    const through = (spec: (typeof registering)['spec'], expected: number) => async () => {
      const rig = await OperatorRig.open(spec)
      for (let key = 0; key < KEYS; key++) rig.element(key, groups[key]!, records[key], 0)
      const fired = rig.advance(SPAN)
      if (fired !== expected) throw new Error(`${fired} timers fired instead of ${expected}`)
      await rig.close()
    }
    const works = { with: through(registering.spec, KEYS), without: through(without.spec, 0) }
    costs[name] = await differences(rounds, KEYS, works)
  }
  return costs
}
