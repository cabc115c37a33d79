import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { cachedFolder } from './cached-folder.ts'

/** Kafka 4 brokers need this Java or a later one. */
const LEAST_JAVA = 17

/** A first download has to come to an end, however slow the line is. */
const DOWNLOAD_TIMEOUT_MS = 5 * 60_000

const run = promisify(execFile)

/** What `java -version` and `mvn -version` say, or undefined for a program that is not there; asked once. */
let versions: { readonly java: string | undefined; readonly maven: string | undefined } | undefined

/** What a server from Maven coordinates needs and this machine does not have, for a person to read; undefined when all is there. */
export function missingForMaven(): string | undefined {
  const { java, maven } = installed()
  if (java === undefined) return `Java is missing: install a JDK ${LEAST_JAVA} or later`
  const major = Number(/version "(\d+)/.exec(java)?.[1])
  if (!(major >= LEAST_JAVA)) {
    return `Java is too old (${java.split('\n')[0]}): install a JDK ${LEAST_JAVA} or later`
  }
  if (said('javac', '-version') === undefined) {
    return `javac is missing: install a JDK ${LEAST_JAVA} or later, a JRE is not enough`
  }
  if (maven === undefined) return 'Maven is missing: install mvn'
  return undefined
}

/** What tells one Java from another, for caches of what depends on it. */
export function javaVersion(): string {
  return installed().java ?? ''
}

/**
 * The class path of a server: all jars that the pom in a folder needs, one after another.
 *
 * They are copied into the cache the first time (a download of up to a minute, which prints a line), one folder for each content of
 * the pom.
 */
export async function classPathOf(pomFolder: string): Promise<string> {
  const pom = join(pomFolder, 'pom.xml')
  const name = `${basename(resolve(pomFolder))}-${shortHash(readFileSync(pom))}`
  const folder = await cachedFolder(name, (draft) => copyJars(name, pom, draft))
  const jars = readdirSync(folder).filter((file) => file.endsWith('.jar'))
  return jars
    .sort()
    .map((file) => join(folder, file))
    .join(':')
}

/** Twelve hexadecimal digits that differ when the text differs. */
export function shortHash(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

async function copyJars(name: string, pom: string, folder: string): Promise<void> {
  console.error(`${name}: Maven fetches the jars, once`)
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
  const options = [`-DoutputDirectory=${folder}`, '-DincludeScope=runtime']
  try {
    await run('mvn', ['-q', '-B', '-f', pom, goal, ...options], { timeout: DOWNLOAD_TIMEOUT_MS })
  } catch (error) {
    const { stdout = '', message } = error as Error & { stdout?: string }
    throw new Error(`Maven did not fetch the jars of ${pom}: ${stdout}${message}`, { cause: error })
  }
}

function installed(): NonNullable<typeof versions> {
  versions ??= { java: said('java', '-version'), maven: said('mvn', '--version') }
  return versions
}

/** Output of a program that ran and ended well. */
function said(command: string, flag: string): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, [flag], { encoding: 'utf8' })
  return status === 0 ? `${stdout}${stderr}` : undefined
}
