import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { CheckpointSummary, RunJobOptions } from '../../runtime/job/job-events.ts'
import type { Balance, Posting } from './jobs/account-faults.ts'
import { balancesOf, csvOf, readRows } from './postings.ts'
import { jobUrl, type Run, run } from './run.ts'
import { expectNothingLeft } from './told-failure.ts'

/** The accounts job in a folder: `postings.csv` in, `out` out, its state in `state`. */
export class AccountsRun {
  readonly folder: string
  readonly rows: readonly Posting[]

  constructor(folder: string, rows: readonly Posting[]) {
    this.folder = folder
    this.rows = rows
  }

  get input(): string {
    return this.path('postings.csv')
  }

  get out(): string {
    return this.path('out')
  }

  get state(): string {
    return this.path('state/accounts')
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  writeInput(): Promise<void> {
    return writeFile(this.input, csvOf(this.rows))
  }

  /** Runs it, at parallelism 1 unless told otherwise. */
  start(params: object = {}, options: RunJobOptions = {}): Promise<Run> {
    const all = { input: this.input, out: this.out, ...params }
    return run(jobUrl('accounts'), { dir: this.path('state'), ...options, params: all })
  }

  /** Runs it until it has a checkpoint, stops it, and tells of the last one and how many rows were read. */
  async stopInTheMiddle(
    params: object = {},
    options: RunJobOptions = {},
  ): Promise<{ readonly last: CheckpointSummary; readonly read: number }> {
    const stop = new AbortController()
    const onEvent: RunJobOptions['onEvent'] = ({ type }) => {
      if (type === 'checkpoint') stop.abort()
    }
    const all = { ...options, signal: stop.signal, onEvent }
    const { result } = await this.start({ rate: 100, ...params }, all)
    const read = result!.metrics.recordsRead
    expect(read).toBeGreaterThan(0)
    expect(read).toBeLessThan(this.rows.length)
    return { last: result!.lastCheckpoint!, read }
  }

  /** Keeps state and output as they are now, for `putBack`. */
  async keep(): Promise<void> {
    for (const name of ['state', 'out']) {
      await cp(this.path(name), this.path(`${name}-then`), { recursive: true })
    }
  }

  async putBack(): Promise<void> {
    await this.writeInput()
    for (const name of ['state', 'out']) {
      await rm(this.path(name), { recursive: true, force: true })
      await cp(this.path(`${name}-then`), this.path(name), { recursive: true })
    }
  }

  /** Checks that a run has ended well, that its output is exactly what it must be, and that nothing else is left. */
  async expectDone(done: Run, rows: readonly Posting[] = this.rows): Promise<void> {
    expect(done.error).toBeUndefined()
    expect(done.result?.status).toMatch('finished')
    await this.expectOutput(rows)
  }

  async expectOutput(rows: readonly Posting[] = this.rows): Promise<void> {
    expect(await readRows<Balance>(this.out)).toEqual(balancesOf(rows))
    await expectNothingLeft(this.state, this.out)
  }
}
