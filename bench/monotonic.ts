/** What `performance.now()` of this thread has to be added to: the clock of the system that never jumps has one beginning for all. */
const offsetMs = hrtimeMs() - performance.now()

function hrtimeMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** A time in ms, to the µs, that can be compared between the threads and processes of one machine. */
export function monotonicMs(): number {
  return performance.now() + offsetMs
}
