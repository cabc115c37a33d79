import { type Command, parseCommand } from './args.ts'
import { check } from './check.ts'
import { collectCheckpoints } from './checkpoints-gc.ts'
import { listCheckpoints } from './checkpoints-list.ts'
import { commandJob } from './command-job.ts'
import { verifyCheckpoints } from './checkpoints-verify.ts'
import { tellFailure } from './failure.ts'
import { showHelp } from './help.ts'
import type { Host } from './host.ts'
import { plan } from './plan.ts'
import { run, type RunSettings } from './run.ts'
import { diffStates } from './state-diff.ts'
import { exportState } from './state-export.ts'
import { getState } from './state-get.ts'
import { listStates } from './state-list.ts'

/**
 * Does what a command line says and resolves with the exit code: 0 done, 1 failed, 2 a mistake in the command line, 130
 * and 143 stopped by a signal. Never rejects: every error has been told when it resolves.
 */
export async function runCommand(
  argv: readonly string[],
  host: Host,
  settings: RunSettings = { noun: ['row', 'rows'] },
): Promise<number> {
  let json = argv.includes('--json')
  try {
    const command = parseCommand(argv)
    json = 'json' in command && command.json
    return await perform(command, host, settings)
  } catch (error) {
    return tellFailure(error, { json, isStarted: false }, host)
  }
}

function perform(command: Command, host: Host, settings: RunSettings): number | Promise<number> {
  switch (command.verb) {
    case 'version':
      host.stdout.write(`${host.version}\n`)
      return 0
    case 'help':
      return showHelp(command, host)
    case 'plan':
      return plan(command, host)
    case 'check':
      return check(command, host)
    case 'savepoint':
    case 'stop':
      return commandJob(command, host)
    case 'state ls':
      return listStates(command.path, command.json, host)
    case 'state get':
      return getState(command, host)
    case 'state export':
      return exportState(command, host)
    case 'state diff':
      return diffStates(command, host)
    case 'checkpoints ls':
      return listCheckpoints(command.path, command.json, host)
    case 'checkpoints verify':
      return verifyCheckpoints(command.path, command.json, host)
    case 'checkpoints gc':
      return collectCheckpoints(command, host)
    case 'run':
      return run(command, host, settings)
  }
}
