import { ANSWERS } from './answers.ts'
import { ASYNC } from './async.ts'
import { CHANGES } from './changes.ts'
import { CONVENIENCE } from './convenience.ts'
import { DURABILITY } from './durability.ts'
import { END_OF_INPUT } from './end.ts'
import { EXPIRY } from './expiry.ts'
import { FLOW } from './flow.ts'
import { KIT } from './kit.ts'
import { LISTS_OF_SUBTASKS } from './lists.ts'
import type { Mutant } from './mutant.ts'
import { PROTOCOL } from './protocol.ts'
import { RECOVERY } from './recovery.ts'
import { SNAPSHOTS } from './snapshots.ts'
import { RESTORING } from './restoring.ts'
import { RESCALING } from './rescaling.ts'
import { S3_SINK } from './s3.ts'
import { SAVEPOINTS } from './savepoints.ts'
import { MAPS } from './maps.ts'
import { STATE } from './state.ts'
import { WINDOWS } from './windows.ts'

/** All ways in which the engine is broken to see that the tests can fail. */
export const ALL_MUTANTS: readonly Mutant[] = [
  ...DURABILITY,
  ...PROTOCOL,
  ...MAPS,
  ...STATE,
  ...CHANGES,
  ...SNAPSHOTS,
  ...EXPIRY,
  ...FLOW,
  ...END_OF_INPUT,
  ...ANSWERS,
  ...ASYNC,
  ...RECOVERY,
  ...RESCALING,
  ...LISTS_OF_SUBTASKS,
  ...SAVEPOINTS,
  ...RESTORING,
  ...KIT,
  ...CONVENIENCE,
  ...WINDOWS,
  ...S3_SINK,
]
