import { parseArgs } from 'node:util'
import { generatorHash } from './check-generator.ts'

export const nexmarkHelp = `nexmark --check-generator N [--group 1]
  The SHA-256 of the first N events as JSON lines, shuffled in groups of so many.`

export async function nexmarkBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { 'check-generator': { type: 'string' }, group: { type: 'string', default: '1' } },
  })
  console.log(generatorHash(Number(values['check-generator']), Number(values.group)))
}
