/** One row of the output: what a rule raises. */
export type Alert =
  | { rule: 'velocity'; seq: number; card: string; count: number }
  | { rule: 'impossible-travel'; seq: number; card: string; seconds: number; km: number }
  | { rule: 'hourly-sum'; card: string; windowStart: number; count: number; cents: number }
  | { rule: 'small-then-large'; seq: number; smallSeq: number; card: string; cents: number }
