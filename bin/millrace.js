#!/usr/bin/env node
/*
 * Entry of the installed package, in plain old syntax: every Node can read it, to be told that it is too old (N30).
 */
/* oxlint-disable no-var */
var version = process.versions.node
var parts = version.split('.').map(Number)
if (parts[0] > 22 || (parts[0] === 22 && parts[1] >= 18)) {
  import('../dist/hand-over.js').then(
    function (module) {
      return module.handOver(process.argv.slice(2))
    },
    function (error) {
      if (!/dist.hand-over\.js/.test(error.url || '')) throw error
      console.error(
        'millrace is not built here: run "npm run build", or from source "npm run -s millrace -- run JOB.ts".',
      )
      process.exitCode = 1
    },
  )
} else {
  console.error(
    'millrace needs Node ≥ 22.18, this is ' +
      version +
      '; install a newer one: https://nodejs.org/',
  )
  process.exitCode = 1
}
