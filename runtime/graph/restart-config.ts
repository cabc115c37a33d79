/** A restart strategy as data: part of the plan, since the main thread never imports the job (N8). All times in ms. */
export type RestartConfig =
  | { readonly type: 'none' }
  | { readonly type: 'fixed-delay'; readonly attempts: number; readonly delayMs: number }
  | {
      readonly type: 'failure-rate'
      readonly maxFailures: number
      readonly intervalMs: number
      readonly delayMs: number
    }
  | {
      readonly type: 'exponential-delay'
      readonly initialMs: number
      readonly maxMs: number
      readonly multiplier: number
      /** Share of the delay by which it varies either way. */
      readonly jitter: number
      /** After so long without a failure the delay begins anew. */
      readonly resetAfterMs: number
      readonly attempts: number
    }
