import { canGenerate, ownCode } from '../../runtime/own-code.ts'

// Run with `--disallow-code-generation-from-strings`: there is no copy then.
const make = (text: string): (() => string) => {
  return () => text
}
const own = ownCode(make, import.meta.url)
console.log(
  `${canGenerate() ? 'generates' : 'refuses to generate'}; ${own === make ? 'the same' : 'a copy'}: ${own('works')()}`,
)
