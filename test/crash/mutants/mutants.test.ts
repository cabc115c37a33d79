import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { ALL_MUTANTS } from './all-mutants.ts'
import { mutate } from './mutant.ts'

it.each(ALL_MUTANTS)(
  'the mutant $name finds what it breaks, and the tests that must notice',
  (mutant) => {
    const text = readFileSync(mutant.file, 'utf8')
    expect(mutate(mutant, text)).not.toBe(text)
    expect(mutant.killers.length).toBeGreaterThan(0)
    for (const killer of mutant.killers) {
      if (killer.kind === 'vitest') expect(readFileSync(killer.file, 'utf8')).not.toBe('')
    }
  },
)

it('mutants have names of their own', () => {
  expect(new Set(ALL_MUTANTS.map(({ name }) => name)).size).toBe(ALL_MUTANTS.length)
})
