/** The alerts of a run, as lines of JSON. */
export interface AlertRun {
  readonly rows: readonly string[]
  /** Where they are, for a person to read. */
  readonly place: string
}

/** Compares the alerts of a run that was killed with those of one that was not, row by row in any order, and prints the outcome. */
export function compareAlerts(crashed: AlertRun, whole: AlertRun): boolean {
  const doubled = moreIn(crashed.rows, whole.rows)
  const lost = moreIn(whole.rows, crashed.rows)
  console.log(`   with the crash  ${crashed.rows.length} alerts in ${crashed.place}`)
  console.log(`   without         ${whole.rows.length} alerts in ${whole.place}`)
  for (const row of doubled.slice(0, 10)) console.log(`   only with the crash: ${row}`)
  for (const row of lost.slice(0, 10)) console.log(`   only without: ${row}`)
  const isEqual = doubled.length === 0 && lost.length === 0 && whole.rows.length > 0
  console.log(isEqual ? '   EQUAL: no alert lost, none doubled' : '   DIFFERENT')
  return isEqual
}

/** What multiset `a` has more than `b`. */
export function moreIn(a: readonly string[], b: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const row of b) left.set(row, (left.get(row) ?? 0) + 1)
  return a.filter((row) => {
    const count = left.get(row) ?? 0
    left.set(row, count - 1)
    return count <= 0
  })
}
