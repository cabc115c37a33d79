import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseCommand } from '../cli/args.ts'
import { runInProcess } from '../cli/process-host.ts'
import { countByRule, oneOfEach, readAlerts } from './demo/alert-files.ts'
import { DEMO_RATE, demoCommandLine, demoFolder } from './demo/command-line.ts'

/*
 * `npm run demo`: the fraud job on the bundled card transactions, on two workers, slowly enough to watch it. A demo that
 * was interrupted goes on; after a finished one it starts over. Flags of `millrace run` may follow: `-- --param rate=0`.
 */

const folder = demoFolder('demo')
/** Written when a demo has come to its end: the next one then empties the folder. */
const finished = join(folder.path, 'finished')

async function demo(flags: readonly string[]): Promise<number> {
  const isHelp = flags.includes('--help') || flags.includes('-h')
  if (!isHelp) {
    if (existsSync(finished)) await rm(folder.path, { recursive: true })
    const isResumed = existsSync(folder.path)
    console.error(
      isResumed
        ? 'The last demo was interrupted: this one goes on where it was.'
        : `Four fraud rules over 36,000 card transactions, ${DEMO_RATE.toLocaleString('en')} a second unless told otherwise. Interrupt it as you like,\neven with kill -9, and run it again: it goes on, and no alert is lost or doubled.`,
    )
  }
  const commandLine = demoCommandLine(folder, flags)
  const exitCode = await runInProcess(commandLine, { noun: ['alert', 'alerts'] })
  if (exitCode !== 0 || isHelp) return exitCode
  await writeFile(finished, '')
  await tellAlerts(outputOf(commandLine), flags.includes('--json') ? console.error : console.log)
  return 0
}

/** Where the alerts are: a flag may have put them elsewhere. */
function outputOf(commandLine: readonly string[]): string {
  const command = parseCommand(commandLine)
  return command.verb === 'run' ? String(command.options.params!['out']) : folder.alerts
}

async function tellAlerts(path: string, tell: (line: string) => void): Promise<void> {
  const { rows, files } = await readAlerts(path)
  tell(`\n${rows.length} alerts:`)
  for (const [rule, count] of countByRule(rows)) tell(`  ${rule.padEnd(18)} ${count}`)
  tell('One of each:')
  for (const row of oneOfEach(rows)) tell(`  ${row}`)
  tell(`They are in ${files} files in ${path}`)
}

process.exitCode = await demo(process.argv.slice(2))
