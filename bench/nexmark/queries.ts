import { query as q0 } from './queries/q0.ts'
import { query as q1 } from './queries/q1.ts'
import { query as q2 } from './queries/q2.ts'
import { query as q3 } from './queries/q3.ts'
import { query as q4 } from './queries/q4.ts'
import { query as q5 } from './queries/q5.ts'
import { query as q7 } from './queries/q7.ts'
import { query as q8 } from './queries/q8.ts'
import { query as q9 } from './queries/q9.ts'
import { query as q11 } from './queries/q11.ts'
import { query as q12 } from './queries/q12.ts'
import { query as q15 } from './queries/q15.ts'
import { query as q17 } from './queries/q17.ts'
import { query as q18 } from './queries/q18.ts'
import { query as q19 } from './queries/q19.ts'
import { query as q20 } from './queries/q20.ts'
import type { Query, QueryName } from './query.ts'

/** The jobs of all queries. */
export const QUERIES: Readonly<Record<QueryName, Query<object>>> = {
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
