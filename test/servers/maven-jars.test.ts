import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

let bin: string

beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'millrace-bin-'))
})

afterEach(() => rmSync(bin, { recursive: true }))

/** Puts a program on the path that writes a line, as `java -version` does to standard error. */
function install(name: string, line: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\necho '${line}' >&2\n`)
  chmodSync(join(bin, name), 0o755)
}

/** What a process says that finds those programs only. */
function missing(): string {
  const module = new URL('./maven-jars.ts', import.meta.url).href
  const code = `console.log((await import(${JSON.stringify(module)})).missingForMaven())`
  const args = ['--input-type=module', '-e', code]
  return execFileSync(process.execPath, args, { env: { PATH: bin }, encoding: 'utf8' }).trim()
}

it('says what a machine lacks that cannot run Kafka, and how to get it', () => {
  expect(missing()).toBe('Java is missing: install a JDK 17 or later')
  install('java', 'java version "1.8.0_442"')
  expect(missing()).toBe('Java is too old (java version "1.8.0_442"): install a JDK 17 or later')
  install('java', 'openjdk version "17.0.15" 2025-04-15')
  expect(missing()).toBe('javac is missing: install a JDK 17 or later, a JRE is not enough')
  install('javac', 'javac 17.0.15')
  expect(missing()).toBe('Maven is missing: install mvn')
  install('mvn', 'Apache Maven 3.8.7')
  expect(missing()).toBe('undefined')
})
