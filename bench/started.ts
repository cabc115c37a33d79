import { appendFileSync, readFileSync } from 'node:fs'
import { cpuNs } from './cpu-time.ts'

interface Stamp {
  readonly atMs: number
  readonly cpuNs: number
}

/** Called by each thread at its first record: what comes before is start-up. */
export function stampStart(file: string): void {
  const atMs = performance.timeOrigin + performance.now()
  appendFileSync(file, `${JSON.stringify({ atMs, cpuNs: cpuNs() } satisfies Stamp)}\n`)
}

/** Seconds and CPU seconds of the process since the first stamp. */
export function sinceStart(file: string): { wallSeconds: number; cpuSeconds: number } {
  const stamps = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Stamp)
  const first = stamps.reduce((a, b) => (a.atMs < b.atMs ? a : b))
  return {
    wallSeconds: (performance.timeOrigin + performance.now() - first.atMs) / 1_000,
    cpuSeconds: (cpuNs() - first.cpuNs) / 1e9,
  }
}
