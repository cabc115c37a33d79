import { processFunction } from 'millrace'
import { keyGroup, OperatorRig } from '../operator-rig.ts'
import { IN_PANES, slidingCosts, TUMBLING, tumblingHour } from '../windows-sliding.ts'
import { differences } from './in-turns.ts'

/** Panes of which a window of the sliding ones is put together. */
const PANES = 60
const KEYS = 100_000

const nothing = processFunction({ processElement() {} })

/**
 * A record in windows of event time, aggregated in place, by the rig of the windows benchmark: with the key set and the value of the
 * window read and updated. Firing a sliding window there reads 60 panes, and a pane is a sixtieth of that. A tumbling window for its only
 * record, opened, fired and removed: the difference between one of each of 100,000 keys, which are there together, and a function that
 * does nothing.
 */
export async function windowCosts(rounds: number): Promise<Record<string, readonly number[]>> {
  const { recordsNs, windowsNs } = await slidingCosts(rounds)
  const works = { with: through(tumblingHour, KEYS), without: through(nothing.spec, 0) }
  const wholeWindows = await differences(rounds, KEYS, works)
  return {
    'window, tumbling: record': recordsNs[TUMBLING]!,
    'window, tumbling: opened and fired': wholeWindows,
    'window, sliding: record': recordsNs[IN_PANES]!,
    'window, sliding: pane fired': windowsNs[IN_PANES]!.map((ns) => ns / PANES),
  }
}

function through(spec: typeof tumblingHour, expected: number): () => Promise<void> {
  const groups = Array.from({ length: KEYS }, (_, key) => keyGroup(key))
  const purchase = { cents: 100 }
  return async () => {
    const rig = await OperatorRig.open(spec)
    for (let key = 0; key < KEYS; key++) rig.element(key, groups[key]!, purchase, key)
    rig.advance(Infinity)
    if (rig.emitted !== expected) throw new Error(`${rig.emitted} windows, not ${expected}`)
    await rig.close()
  }
}
