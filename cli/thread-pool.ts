/**
 * Threads that libuv's pool needs so that checkpoints, state and files of all slots do not wait for one another (N14).
 */
export function threadPoolSize(parallelism: number): number {
  return Math.min(1_024, Math.max(8, 4 * parallelism + 4))
}

/**
 * Sets the size of libuv's thread pool in an environment, unless it is set already.
 *
 * It counts only before the first asynchronous file access of the process, when libuv starts its threads: call it first.
 * Node passes the assignment on to the process's real environment, where libuv looks.
 */
export function setThreadPoolSize(env: NodeJS.ProcessEnv, parallelism: number): void {
  env['UV_THREADPOOL_SIZE'] ??= String(threadPoolSize(parallelism))
}
