/** What names of jobs, uids, states and tags look like (N25); they become names of files and folders. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** Names that stand for devices on Windows, with any extension. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i

/** What to do about such a name, as the way out of a message. */
export const NAME_RULE: string =
  'use 1 to 100 letters, digits, ".", "_" and "-", beginning with a letter or digit, and no device name of Windows'

/** Why something cannot be a name, as the end of "… is "x", "; undefined if it can (N25). */
export function nameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string') return `which is no string but of type ${typeof name}`
  if (name === '') return 'which is empty'
  if (DEVICE.test(name)) return 'which is the name of a device on Windows'
  if (NAME.test(name)) return undefined
  if (name.length > 100) return 'which has more than 100 characters'
  return 'which has other characters than letters, digits, ".", "_" and "-", or does not begin with a letter or digit'
}

/** Two names with one folded form are the same name: file systems may not tell them apart (N25). */
export function foldName(name: string): string {
  return name.toLowerCase()
}

/** Names as a message lists them. */
export function quotedNames(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ')
}
