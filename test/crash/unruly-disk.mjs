import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { threadId } from 'node:worker_threads'

/*
 * A disk that is slow and fails as it is told, or at a certain call of which the process is killed, for `node --import`: of
 * what lies in the checkpoints of a job, in each thread by itself; of files of changes it knows that call only. `MILLRACE_TEST_DISK` holds a `DiskTrouble` (child-run.ts).
 */

const { kill, faults } = JSON.parse(process.env['MILLRACE_TEST_DISK'])
let left = kill?.nth
let state = ((faults?.seed ?? 0) * 31 + threadId) | 0

/** From 0 to 1: any sequence of numbers that follows from the seed will do. */
function random() {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

const READS = new Set(['readdir', 'stat', 'read', 'open to read'])

/** What this call fails with, if it does. What cannot be read for a reason that passes is no damage. */
function codeFor(call) {
  if (faults === undefined) return undefined
  const now = process.uptime() * 1_000 - faults.fromMs
  if (now < 0 || now > faults.forMs || random() >= faults.probability) return undefined
  const codes = READS.has(call) ? ['EMFILE', 'ETIMEDOUT'] : ['EMFILE', 'ENOSPC', 'EIO']
  return codes[Math.floor(random() * codes.length)]
}

function failure(code, call, path) {
  const error = new Error(`${code}: a fault of the test, ${call} '${path}'`)
  return Object.assign(error, { code, syscall: call, path })
}

function pause() {
  if (faults === undefined || random() >= 0.3) return undefined
  return new Promise((resolve) => setTimeout(resolve, random() * faults.slowMs))
}

/** Makes a call; `half` is done instead of it where it fails halfway. */
async function pass(call, path, whole, half = async () => {}) {
  if (kill?.calls.includes(call) && path.includes(kill.name) && --left === 0) {
    await half()
    process.kill(process.pid, 'SIGKILL')
  }
  if (!isOfCheckpoints(path)) return whole()
  const code = codeFor(call)
  await pause()
  if (code === undefined) return whole()
  const when = random()
  if (when < 0.4) {
    // It has been done, and nobody hears of it.
    const result = await whole()
    if (call.startsWith('open')) await result.close()
  } else if (when < 0.7) await half()
  throw failure(code, call, path)
}

for (const call of ['link', 'mkdir', 'readdir', 'rename', 'rmdir', 'stat', 'unlink']) {
  const original = fs[call]
  fs[call] = (path, ...rest) => {
    if (!isOfCheckpoints(path)) return original(path, ...rest)
    return pass(call, String(path), () => original(path, ...rest))
  }
}

const open = fs.open
fs.open = async (path, flags, ...rest) => {
  if (!isOfCheckpoints(path) && !isOfChanges(path)) return open(path, flags, ...rest)
  const name = String(path)
  const call = flags === 'r' ? 'open to read' : 'open'
  const handle = await pass(call, name, () => open(path, flags, ...rest))
  const { write, sync, read } = handle
  handle.write = (bytes, offset, length) =>
    pass(
      'write',
      name,
      () => write.call(handle, bytes, offset, length),
      () => write.call(handle, bytes, offset, length >> 1),
    )
  handle.sync = () => pass('sync', name, () => sync.call(handle))
  handle.read = (...args) => pass('read', name, () => read.apply(handle, args))
  return handle
}
syncBuiltinESMExports()

/** In `work/<attempt>/<slot>/<vertex>`. */
function isOfChanges(path) {
  return String(path).includes('/changes-')
}

function isOfCheckpoints(path) {
  return String(path).includes('/checkpoints/')
}
