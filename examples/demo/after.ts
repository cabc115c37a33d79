const clock = new Int32Array(new SharedArrayBuffer(4))

/** The value, after so many milliseconds in which the thread is blocked, as work would block it: a job can be watched then. */
export function after<T>(ms: number, value: T): T {
  Atomics.wait(clock, 0, 0, ms)
  return value
}
