import { existsSync } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/*
 * A disk that is full while a file of that name is there, for `node --import`: writing to new files of checkpoints fails as
 * it does then. Permissions and small disks are not to be had on every machine.
 */

const full = process.env['MILLRACE_TEST_FULL_DISK']
const open = fs.open

fs.open = async (path, ...rest) => {
  const handle = await open(path, ...rest)
  if (!String(path).includes('/checkpoints/')) return handle
  const write = handle.write.bind(handle)
  handle.write = (...args) => {
    if (!existsSync(full)) return write(...args)
    const error = new Error('ENOSPC: no space left on device, write')
    return Promise.reject(Object.assign(error, { code: 'ENOSPC', errno: -28, syscall: 'write' }))
  }
  return handle
}
syncBuiltinESMExports()
