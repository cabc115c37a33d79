import { fileURLToPath } from 'node:url'
import { ALL_MUTANTS } from './mutants/all-mutants.ts'
import { CopiedTree } from './mutants/copied-tree.ts'
import { type Killer, killerName, type Mutant } from './mutants/mutant.ts'
import { type Outcome, runKiller } from './mutants/run-killer.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** A test against one mutant. */
interface Row {
  readonly mutant: Mutant
  readonly killer: Killer
  readonly outcome: Outcome
}

/** The names of all mutants with what they break, one a line. */
export function mutantLines(): string[] {
  const width = Math.max(...ALL_MUTANTS.map(({ name }) => name.length))
  return ALL_MUTANTS.map(({ name, what }) => `${name.padEnd(width)}  ${what}`)
}

/**
 * Breaks the engine in a copy of the tree, one mutant after another, and prints which test turns red; resolves with the
 * exit code: 0 when each test was green on the sound copy and each mutant turned red all the tests that it should.
 */
export async function testMutants(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !ALL_MUTANTS.some((mutant) => mutant.name === name))
  if (unknown.length > 0) {
    console.error(
      `There is no mutant ${unknown.join(', ')}. There are:\n${mutantLines().join('\n')}`,
    )
    return 2
  }
  const mutants = ALL_MUTANTS.filter(({ name }) => names.length === 0 || names.includes(name))
  const tree = await CopiedTree.of(root)
  process.once('exit', () => tree.remove())
  // The exit handlers end the running test and remove the copy.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  if (!(await isSound(tree, mutants))) return 1
  const rows: Row[] = []
  for (const [index, mutant] of mutants.entries()) {
    console.log(`${index + 1}/${mutants.length} ${mutant.name}: ${mutant.what}`)
    rows.push(...(await tree.broken(mutant, () => testMutant(tree, mutant))))
  }
  return tell(mutants, rows)
}

/** Whether the tests are green as long as nothing is broken. */
async function isSound(tree: CopiedTree, mutants: readonly Mutant[]): Promise<boolean> {
  const killers = new Map(
    mutants.flatMap(({ killers: all }) => all.map((killer) => [killerName(killer), killer])),
  )
  console.log(`${killers.size} tests on the sound tree`)
  let isGreen = true
  for (const [name, killer] of killers) {
    const outcome = await runKiller(tree, killer)
    if (outcome.color === 'green') continue
    isGreen = false
    console.error(`NOT GREEN: ${name}: ${outcome.message}`)
  }
  return isGreen
}

async function testMutant(tree: CopiedTree, mutant: Mutant): Promise<Row[]> {
  const rows: Row[] = []
  for (const killer of mutant.killers) {
    const outcome = await runKiller(tree, killer)
    console.log(`  ${outcome.color}: ${killerName(killer)}: ${outcome.message}`)
    rows.push({ mutant, killer, outcome })
  }
  return rows
}

function tell(mutants: readonly Mutant[], rows: readonly Row[]): number {
  const widths = [
    Math.max(...rows.map(({ mutant }) => mutant.name.length)),
    Math.max(...rows.map(({ killer }) => killerName(killer).length)),
  ]
  console.log(`\n${'mutant'.padEnd(widths[0]!)}  ${'test'.padEnd(widths[1]!)}  color    seconds`)
  for (const { mutant, killer, outcome } of rows) {
    const { color, seconds } = outcome
    console.log(
      `${mutant.name.padEnd(widths[0]!)}  ${killerName(killer).padEnd(widths[1]!)}  ${color.padEnd(7)}  ${seconds.toFixed(1).padStart(7)}`,
    )
  }
  const survivors = new Set(
    rows.filter(({ outcome }) => outcome.color !== 'red').map(({ mutant }) => mutant.name),
  )
  console.log(
    `\n${mutants.length} mutants, ${rows.length} tests, ${survivors.size} mutants survive`,
  )
  for (const name of survivors) console.error(`SURVIVES: ${name}`)
  return survivors.size === 0 ? 0 : 1
}
