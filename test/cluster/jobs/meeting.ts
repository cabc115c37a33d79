import { dataGeneratorSource, job, punctuatedWatermarks } from 'millrace'
import { meet, type Tick } from '../../harness/meeting-streams.ts'

const T0 = 1_700_000_000_000

/** A fast source and a slow one that keep together: neither is more than 20 ticks ahead. */
export default job('meeting', {}, (env) => {
  const timeOf = ({ time }: Tick): number => time
  const alignment = { group: 'both', maxDrift: 20 } as const
  const watermarks = punctuatedWatermarks(timeOf, timeOf, { alignment })
  const ticks = (rate: number) =>
    dataGeneratorSource({ count: 3_000, generate: (i): Tick => ({ time: T0 + i }), rate })
  const fast = env.fromSource(ticks(0), { uid: 'fast', watermarks })
  const slow = env.fromSource(ticks(3_000), { uid: 'slow', watermarks })
  meet(fast, slow)
})
