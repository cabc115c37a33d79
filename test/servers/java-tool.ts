import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cachedFolder } from './cached-folder.ts'
import { kafkaImage } from './kafka-image.ts'
import { javaVersion, shortHash } from './maven-jars.ts'

/**
 * Runs a class of this folder with Kafka's jars and resolves with what it wrote; its source is compiled once, into the cache.
 *
 * Rejects with what it said when it fails, and when it takes longer than that; it is killed then.
 */
export async function runJava(
  name: 'ReadCommitted' | 'JavaPartitions',
  args: readonly string[],
  { timeoutMs, input = '' }: { readonly timeoutMs: number; readonly input?: string },
): Promise<Buffer> {
  const { classPath: jars, javaOptions } = await kafkaImage(false)
  // The archive of classes is only used when the jars come first, as they did when it was made.
  const classPath = `${jars}:${await compiled(name, jars)}`
  const options = [
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Dlog4j2.level=ERROR',
    '-Xmx1g',
    ...javaOptions,
  ]
  const child = spawn('java', [...options, '-cp', classPath, name, ...args], {
    stdio: 'pipe',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  const kill = (): boolean => child.kill('SIGKILL')
  process.once('exit', kill)
  const written: Buffer[] = []
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => written.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  process.off('exit', kill)
  if (code === 0) return Buffer.concat(written)
  const end = code === null ? `was killed after ${timeoutMs} ms` : `failed with code ${code}`
  throw new Error(`java ${name} ${args.join(' ')} ${end}: ${said}`)
}

/** The folder of a compiled class. */
async function compiled(name: string, classPath: string): Promise<string> {
  const source = fileURLToPath(new URL(`./${name}.java`, import.meta.url))
  const made = shortHash([readFileSync(source), classPath, javaVersion()].join())
  return cachedFolder(`${name}-${made}`, async (folder) => {
    await promisify(execFile)('javac', ['-cp', classPath, '-d', folder, source])
  })
}
