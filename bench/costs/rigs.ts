import { chainCosts } from './chain.ts'
import { checkpointCosts } from './checkpoint.ts'
import { missCosts } from './misses.ts'
import { shuffleCosts } from './shuffle.ts'
import { stateCosts } from './state.ts'
import { timerCosts } from './timers.ts'
import { windowCosts } from './windows.ts'

/** Measures the costs of one mechanism in so many rounds: ns of CPU time, by what they are of. */
export type CostRig = (rounds: number) => Promise<Record<string, readonly number[]>>

/** All mechanisms, in the order of the table. */
export const RIGS: Readonly<Record<string, CostRig>> = {
  chain: chainCosts,
  shuffle: shuffleCosts,
  state: stateCosts,
  misses: missCosts,
  timers: timerCosts,
  windows: windowCosts,
  checkpoint: checkpointCosts,
}
