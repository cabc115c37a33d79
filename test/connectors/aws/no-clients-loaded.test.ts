import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)

/** Names of the packages that importing these loads. */
const LOOK = `
  import { registerHooks } from 'node:module'
  const loaded = new Set()
  registerHooks({
    load(url, context, next) {
      const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]
      if (name !== undefined) loaded.add(name)
      return next(url, context)
    },
  })
  for (const entry of process.argv.slice(1)) await import(entry)
  console.log(JSON.stringify([...loaded]))
`

it.each([
  ['millrace', ['papaparse']],
  ['millrace/aws', []],
  ['millrace/kafka', []],
  ['millrace/formats', []],
])('importing %s loads no client of a service', async (entry, packages) => {
  const args = ['-C', '@millrace/source', '--input-type=module', '-e', LOOK, entry]
  const { stdout } = await run(process.execPath, args)
  expect((JSON.parse(stdout) as string[]).sort()).toEqual(packages)
})
