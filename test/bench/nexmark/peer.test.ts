import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Setting } from '../../../bench/nexmark/contender.ts'
import { peerContender } from '../../../bench/nexmark/peer.ts'
import { inFolder } from '../../../bench/temporary-folder.ts'

const SETTING: Setting = {
  query: 'q0',
  events: 1_000,
  group: 1,
  parallelism: 1,
  state: 'memory',
  checkpointMs: 0,
  memory: '1gb',
}

/** Three runs, one after another; says as its rows whether it has been started with its turn. */
const PEER = `#!/bin/sh
test -f "$(dirname "$0")/turn" && rows=1 || rows=0
for run in 1 2 3; do
  echo "some line"
  echo "{\\"seconds\\":$run,\\"secondsToDrained\\":$run,\\"cpuSeconds\\":1,\\"rows\\":$rows,\\"checkpoints\\":0}"
done
`

it('starts the peer with its first turn, not beside those who have theirs before it', async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, 'run'), PEER, { mode: 0o755 })
    const peer = peerContender(folder, SETTING, { rounds: 1, warmup: 1, iterations: 2 })
    // Another process has come and gone: one that was started before it would be there.
    spawnSync('sh', ['-c', 'exit 0'])
    await new Promise<void>((resolve) => setImmediate(resolve))
    spawnSync('sh', ['-c', 'exit 0'])
    writeFileSync(join(folder, 'turn'), '')
    const runs = []
    for (let run = 1; run <= 3; run++) runs.push(await peer.run({ rounds: 1 }))
    await peer.close()
    expect(runs.map(({ rows, seconds }) => [rows, seconds])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
    ])
  })
})

it('has nothing to end where the peer never had a turn', async () => {
  await peerContender('no such folder', SETTING, { rounds: 1, warmup: 0, iterations: 1 }).close()
})
