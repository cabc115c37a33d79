import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Contender, Iteration, Setting, Wanted } from './contender.ts'

/** A contender in a Node process: it gets a line of JSON for each run, and answers with one. */
export function nodeContender(
  script: 'engine-child.ts' | 'loop-child.ts',
  setting: Setting,
  { nodeArgs = [], env = {} }: { nodeArgs?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Contender {
  const file = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(
    process.execPath,
    [...nodeArgs, '-C', '@millrace/source', file, JSON.stringify(setting)],
    { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  // A child that has died is told of by the next run.
  child.stdin.on('error', () => {})
  return {
    async run(wanted) {
      child.stdin.write(`${JSON.stringify(wanted)}\n`)
      const line = await lines.next()
      if (line.done === true) throw new Error(`${script} has ended in a run of ${setting.query}`)
      return JSON.parse(line.value) as Iteration
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }
}

/** The other side: answers each line with what a run comes to, until there are no more. */
export async function answerRuns(
  run: (setting: Setting, wanted: Wanted) => Promise<Iteration> | Iteration,
): Promise<void> {
  const setting = JSON.parse(process.argv[2]!) as Setting
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await run(setting, JSON.parse(line) as Wanted)))
  }
}
