import { ERROR_CODES, type ErrorCode } from '../runtime/error-codes.ts'
import { ADVICE } from './error-advice.ts'

/** The page of error codes; a test compares it with `docs/errors.md`. */
export function errorsPage(): string {
  const sections = ADVICE.map(({ title, advice }) => {
    const rows = Object.entries(advice).map(([code, wayOut]) => {
      return `- \`${code}\`: ${ERROR_CODES[code as ErrorCode]} ${wayOut}`
    })
    return `## ${title}\n\n${rows.join('\n')}\n`
  })
  return `# Error codes

Every error of millrace has a stable \`code\`; match it rather than the message, which may improve. A message says where, what is,
what that prevents, and the way out; \`fields\` carry the same as data. Mistakes are instances of \`StreamError\` and are never
restarted; operating failures are instances of \`RestartableError\`, and the restart strategy decides.

Each code with what it means, and what to do about it in general.

${sections.join('\n')}`
}
