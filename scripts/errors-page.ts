/** `npm run docs`: writes docs/errors.md from the list of error codes. */
import { writeFileSync } from 'node:fs'
import { errorsPage } from './errors-text.ts'

writeFileSync('docs/errors.md', errorsPage())
