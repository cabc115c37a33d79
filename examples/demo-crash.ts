import { rm } from 'node:fs/promises'
import { readAlerts } from './demo/alert-files.ts'
import { runChild } from './demo/child-run.ts'
import { demoCommandLine, demoFolder } from './demo/command-line.ts'
import { compareAlerts } from './demo/comparison.ts'

/*
 * `npm run demo:crash`: the demo in a process of its own, killed with SIGKILL after its third checkpoint and started
 * again; then the same without interruption, and the comparison of what a consumer finds in the two output folders.
 */

async function demoCrash(): Promise<boolean> {
  const crashed = demoFolder('demo-crash')
  const whole = demoFolder('demo-uninterrupted')
  for (const { path } of [crashed, whole]) await rm(path, { recursive: true, force: true })
  const commandLine = demoCommandLine(crashed, [])

  console.log('1. The demo, in a process of its own.')
  const { isKilled } = await runChild({ commandLine, killAfter: 3 })
  const early = await readAlerts(crashed.alerts)
  console.log(`   ${early.rows.length} alerts are in finished files`)

  console.log('2. The same command again.')
  const { isResumed } = await runChild({ commandLine })

  console.log('3. The same input without interruption, as fast as it goes.')
  await runChild({ commandLine: demoCommandLine(whole, ['--param', 'rate=0']) })

  console.log('4. Comparison of the finished files, row by row, in any order:')
  const [a, b] = await Promise.all([readAlerts(crashed.alerts), readAlerts(whole.alerts)])
  const isEqual = compareAlerts(
    { rows: a.rows, place: crashed.alerts },
    { rows: b.rows, place: whole.alerts },
  )
  if (isKilled && isResumed) return isEqual
  console.log('   but the demo was not interrupted: this shows nothing')
  return false
}

process.exitCode = (await demoCrash()) ? 0 : 1
