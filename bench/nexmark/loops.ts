import { q0 } from './loops/q0.ts'
import { q1 } from './loops/q1.ts'
import { q2 } from './loops/q2.ts'
import { q3 } from './loops/q3.ts'
import { q4 } from './loops/q4.ts'
import { q5 } from './loops/q5.ts'
import { q7 } from './loops/q7.ts'
import { q8 } from './loops/q8.ts'
import { q9 } from './loops/q9.ts'
import { q11 } from './loops/q11.ts'
import { q12 } from './loops/q12.ts'
import { q15 } from './loops/q15.ts'
import { q17 } from './loops/q17.ts'
import { q18 } from './loops/q18.ts'
import { q19 } from './loops/q19.ts'
import { q20 } from './loops/q20.ts'
import type { LoopFactory } from './loop.ts'
import type { QueryName } from './query.ts'

/** The loops of all queries. */
export const LOOPS: Readonly<Record<QueryName, LoopFactory>> = {
  q0,
  q1,
  q2,
  q3,
  q4,
  q5,
  q7,
  q8,
  q9,
  q11,
  q12,
  q15,
  q17,
  q18,
  q19,
  q20,
}
