/** Being called this, and being there, is what makes a snapshot one. */
export const MANIFEST = 'manifest.json'

/** How the names of files of state end. */
export const SEGMENT = '.seg'

/** Highest id: 15 digits are exact as a number and enough for 10,000 years of checkpoints every millisecond. */
export const MAX_CHECKPOINT_ID = 999_999_999_999_999

/** Longest name that every file system takes is 255 bytes; a suffix must fit in too. */
const MAX_WISH = 200

/** The folder of a checkpoint within the folder of its lineage. */
export function checkpointFolder(checkpointId: number): string {
  return `chk-${checkpointId}`
}

/** The reverse of `checkpointFolder`; undefined for any other name. */
export function checkpointIdOf(folder: string): number | undefined {
  const digits = /^chk-([1-9][0-9]{0,14})$/.exec(folder)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** A name that every file system can hold: other characters than letters, digits, `.`, `_` and `-` as `%` and hex. */
export function usableFileName(wish: string): string {
  return wish
    .replace(/^\.|[^A-Za-z0-9._-]/g, (character) => {
      return [...Buffer.from(character)].map((byte) => `%${byte.toString(16)}`).join('')
    })
    .slice(0, MAX_WISH)
}

/**
 * Whether a name in a manifest stays within its storage: parts separated by `/`, none of them empty, `.` or `..`, and no
 * character that any file system treats in its own way. Manifests are data that anyone may have written (N25).
 */
export function isNameWithin(name: string): boolean {
  if (name.length > 1_024 || /[\p{Cc}\\:*?"<>|]/u.test(name)) return false
  return name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}
