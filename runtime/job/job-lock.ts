import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { StreamError } from '../errors.ts'

/** The right to use a job's directory; held until `release`, or until the process dies. */
export interface JobLock {
  release(): Promise<void>
}

/**
 * Takes the lock of a job's directory, or fails with `MR_DIRECTORY_LOCKED`.
 *
 * It is the kernel's lock on a LevelDB in the folder `path`: free at once when its process dies, by SIGKILL too, and held
 * while it is stopped (R4, N17). `holderPath` is a file with the process id, for the message only.
 */
export async function takeJobLock(path: string, holderPath: string): Promise<JobLock> {
  const level = new Level(path)
  try {
    await level.open()
  } catch (error) {
    if (isLocked(error)) throw await locked(path, holderPath)
    await clear(path)
    await reopen(level, path, holderPath)
  }
  try {
    await writeFile(holderPath, `${process.pid}\n`, { mode: 0o600 })
  } catch (error) {
    await level.close()
    throw error
  }
  return { release: () => level.close() }
}

/** A torn LevelDB (the power failed) must not keep the job from starting: there is nothing in it. */
async function clear(path: string): Promise<void> {
  for (const name of await readdir(path)) {
    // Never the lock file itself: another process may have come to hold it.
    if (name !== 'LOCK') await rm(join(path, name), { recursive: true, force: true })
  }
}

async function reopen(level: Level, path: string, holderPath: string): Promise<void> {
  try {
    await level.open()
  } catch (error) {
    throw isLocked(error) ? await locked(path, holderPath) : error
  }
}

async function locked(path: string, holderPath: string): Promise<StreamError> {
  const holder = await readHolder(holderPath)
  const who = holder === undefined ? '' : ` (process ${holder})`
  return new StreamError(
    'MR_DIRECTORY_LOCKED',
    `${path} is locked: another run of this job is using the directory${who}; two at once would put output out twice; wait for it to end, stop it, or give this one another --dir.`,
    { path, holder },
  )
}

async function readHolder(path: string): Promise<number | undefined> {
  try {
    const pid = Number((await readFile(path, 'utf8')).trim())
    return Number.isInteger(pid) ? pid : undefined
  } catch {
    // Only for the message.
    return undefined
  }
}

function isLocked(error: unknown): boolean {
  return ((error as Error).cause as { code?: unknown } | undefined)?.code === 'LEVEL_LOCKED'
}
