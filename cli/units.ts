/** Figures as people read them; all of it is pure, and the same in every locale. */

/** A whole number with its thousands apart: `12,345`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** A number of things: `1 row`, `12,345 rows`. */
export function formatNumberOf(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${Math.round(count) === 1 ? singular : plural}`
}

/** Bytes in decimal units, three digits at most: `512 B`, `41.2 kB`, `1.35 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000
    unit++
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${units[unit]}`
}

/** A text within so many columns, its end replaced by `…` where it is longer. */
export function fit(text: string, columns: number): string {
  if (text.length <= columns) return text
  return columns < 1 ? '' : `${text.slice(0, columns - 1)}…`
}
