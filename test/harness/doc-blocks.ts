import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The pages that users read. */
export const PAGES: readonly string[] = [
  'README.md',
  'examples/README.md',
  ...readdirSync('docs').map((name) => join('docs', name)),
]

/** A fenced block of a page. */
export interface DocBlock {
  readonly page: string
  readonly language: string
  readonly text: string
}

/** The fenced blocks of a page, in order. */
export function blocksOf(page: string): DocBlock[] {
  const text = readFileSync(page, 'utf8')
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, block]) => ({
    page,
    language: language!,
    text: block!,
  }))
}

/** All TypeScript of the pages by file name, which the first line of each block says: `// alerts.ts`. */
export function documentedFiles(): Map<string, string> {
  const files = new Map<string, string>()
  for (const { page, language, text } of PAGES.flatMap(blocksOf)) {
    if (language !== 'ts') continue
    const name = /^\/\/ ([\w.-]+\.ts)\n/.exec(text)?.[1]
    if (name === undefined || files.has(name)) {
      throw new Error(
        `${page}: a block begins with "${text.split('\n', 1)[0]}", not with a name of its own`,
      )
    }
    files.set(name, text)
  }
  return files
}

/** The commands that a page names: those of its shell blocks, without comments, and those within a sentence or table. */
export function commandsOf(page: string): string[] {
  const blocks = blocksOf(page).filter(({ language }) => language === 'sh')
  const inBlocks = blocks
    .flatMap(({ text }) => text.split('\n'))
    .flatMap((line) => line.replace(/(^|\s)#.*/, '').split('&&'))
  const inText = [...readFileSync(page, 'utf8').matchAll(/`((?:npm run|npx millrace) [^`\n]+)`/g)]
  return [...inBlocks, ...inText.map(([, command]) => command!)]
    .map((command) => command.trim())
    .filter((command) => command !== '')
}
