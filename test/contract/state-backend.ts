import { type StateBackendContract, stateFixture } from './state-fixture.ts'
import { stateSnapshotsContract } from './state-snapshots.ts'
import { stateSweepContract } from './state-sweep.ts'
import { stateTimersContract } from './state-timers.ts'
import { stateTtlContract } from './state-ttl.ts'
import { stateUpcastsContract } from './state-upcasts.ts'
import { stateValuesContract } from './state-values.ts'
import { stateVisitsContract } from './state-visits.ts'

/** What every keyed state backend must do; each implementation's test file begins with a call. */
export function stateBackendContract(contract: StateBackendContract): void {
  const fixture = stateFixture(contract)
  stateValuesContract(fixture)
  stateTimersContract(fixture)
  stateSnapshotsContract(fixture)
  stateTtlContract(fixture)
  stateSweepContract(fixture)
  stateVisitsContract(fixture)
  stateUpcastsContract(fixture)
}
