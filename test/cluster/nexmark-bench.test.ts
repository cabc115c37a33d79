import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sortedRowsOf } from '../../bench/nexmark/rows.ts'
import type { Summary } from '../../bench/nexmark/summary.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { bench as runBench } from './bench-process.ts'

const makeFolder = temporaryFolders()

/** Runs the benchmark on few events. */
function bench(args: readonly string[]): Promise<{ code: number | null; printed: string }> {
  const few = ['--events=5000', '--rounds=1', '--parallelism=2', '--memory=512mb']
  return runBench('nexmark', [...few, ...args])
}

/** A program that says of each run that it gave so many rows, and that is all it does. */
async function peerWith(rows: number): Promise<string> {
  const folder = await makeFolder()
  const told = {
    seconds: 2,
    secondsToDrained: 1,
    cpuSeconds: 4,
    rows,
    hash: 'its own',
    checkpoints: 0,
  }
  const script = `#!/bin/sh
echo "not of a run"
while [ $# -gt 1 ]; do [ "$1" = --iterations ] && left=$2; shift 2; done
while [ "$left" -gt 0 ]; do echo '${JSON.stringify(told)}'; left=$((left - 1)); done
`
  writeFileSync(join(folder, 'run'), script)
  chmodSync(join(folder, 'run'), 0o755)
  return folder
}

it('the Nexmark benchmark compares engine, loop and peer in turn, and writes figures and rows', async () => {
  const folder = await makeFolder()
  const json = join(folder, 'figures.json')
  const settings = ['--query=q2,q17', '--state=leveldb', '--checkpoint-interval=1s']
  const { code, printed } = await bench([
    ...settings,
    '--iterations=0+1',
    `--json=${json}`,
    `--rows=${folder}`,
  ])
  expect([code, printed]).toEqual([0, expect.stringContaining('geometric means of 2')])
  const summaries = JSON.parse(readFileSync(json, 'utf8')) as Summary[]
  expect(summaries.map(({ query, state, isRight }) => [query, state, isRight])).toEqual([
    ['q2', 'leveldb', true],
    ['q17', 'leveldb', true],
  ])
  expect(sortedRowsOf(join(folder, 'q2.csv'))).toHaveLength(summaries[0]!.rows)
  expect(sortedRowsOf(join(folder, 'q17.csv')).every((row) => row.split(',').length === 9)).toBe(
    true,
  )
})

it('a line of the Nexmark benchmark is void where the rows of the peer differ', async () => {
  const query = ['--query=q2', '--state=memory', '--checkpoint-interval=0', '--iterations=0+1']
  const folder = await makeFolder()
  const json = join(folder, 'figures.json')
  const run = async (rows: number) => {
    const peer = ['--peer=flink', `--peer-dir=${await peerWith(rows)}`]
    const { code } = await bench([...query, ...peer, `--json=${json}`])
    const [summary] = JSON.parse(readFileSync(json, 'utf8')) as [Summary]
    return { code, ...summary }
  }
  const wrong = await run(0)
  expect(wrong).toMatchObject({ code: 1, isRight: false })
  expect(wrong.differences[0]).toMatch(/^peer: 0 rows instead of \d+/)
  const right = await run(wrong.rows)
  expect(right).toMatchObject({ code: 0, isRight: true, peer: { seconds: { median: 2 } } })
})
