/** By the uid that an operator, source or sink had, the one that it has now. */
export type RenamedUids = Readonly<Record<string, string>>

/** What is wrong with a map of renamed uids in a job that has these uids, if anything. Pure. */
export function renamedUidsProblem(given: unknown, uids: readonly string[]): string | undefined {
  if (given === undefined) return undefined
  const effect = 'state under the old uid would not be found'
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return `renamedUids is no object; ${effect}; give the new uid by the old one, as { old: 'new' }.`
  }
  for (const [old, now] of Object.entries(given) as [string, unknown][]) {
    if (typeof now !== 'string' || !uids.includes(now)) {
      return `renamedUids makes ${JSON.stringify(now)} of "${old}", and there is no operator with that uid; ${effect}; give the uid that it has now.`
    }
    if (uids.includes(old)) {
      return `renamedUids makes "${now}" of "${old}", and there is an operator with the uid "${old}"; whose state it is would change from one run to the next; give that one another uid, or leave the entry out.`
    }
  }
  return undefined
}
