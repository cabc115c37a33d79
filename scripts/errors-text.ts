import { ERROR_CODES } from '../runtime/error-codes.ts'

/** The page of error codes; a test compares it with `docs/errors.md`. */
export function errorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, text]) => `- \`${code}\`: ${text}`)
  return `# Error codes

Every error of millrace has a stable \`code\`; match it rather than the message, which may improve. A message says where, what is,
what that prevents, and the way out; \`fields\` carry the same as data. Mistakes are instances of \`StreamError\` and are never
restarted; operating failures are instances of \`RestartableError\`, and the restart strategy decides.

This page is made from \`runtime/error-codes.ts\` by \`npm run docs\`.

${rows.join('\n')}
`
}
