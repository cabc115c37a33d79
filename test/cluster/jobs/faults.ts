import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What can go wrong in a function. */
export type Fault = 'throw' | 'exit' | 'heap' | 'reject'

/**
 * Fails as told, at most `times` times over all attempts: each time leaves a file in `marks`, since threads that end
 * forget everything.
 */
export function failAtMost(times: number, fault: Fault, marks: string): void {
  mkdirSync(marks, { recursive: true })
  const before = readdirSync(marks).length
  if (before >= times) return
  writeFileSync(join(marks, String(before)), fault)
  fail(fault)
}

/** Never returns once that file is there. */
export function hangAfter(file: string): void {
  if (!existsSync(file)) return
  console.log('hanging')
  for (;;);
}

function fail(fault: Fault): void {
  switch (fault) {
    case 'throw':
      throw new TypeError('this record is too much')
    case 'exit':
      process.exit(7)
    case 'reject':
      void Promise.reject(new Error('nobody awaits me'))
      return
    case 'heap': {
      const hoard: number[][] = []
      for (;;) hoard.push(Array.from({ length: 100_000 }, (_, index) => index + 0.5))
    }
  }
}
