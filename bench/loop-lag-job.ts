/** The fraud job, with an interval of 10 ms in each worker thread that tells how late it was. */
import { isMainThread } from 'node:worker_threads'
import type { LoopLag } from './loop-lag.ts'
import { percentile } from './spread.ts'

const INTERVAL_MS = 10
const lags: number[] = []
let due = performance.now() + INTERVAL_MS

if (!isMainThread) {
  setInterval(() => {
    const now = performance.now()
    lags.push(now - due)
    due = now + INTERVAL_MS
    if (lags.length % 100 === 0) console.log(JSON.stringify(summary()))
  }, INTERVAL_MS).unref()
}

function summary(): LoopLag {
  const at = (share: number): number => Number(percentile(lags, share).toFixed(1))
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}

export { default } from '../examples/fraud-detection.ts'
