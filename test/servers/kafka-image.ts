import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cachedFolder } from './cached-folder.ts'
import { freePorts } from './free-port.ts'
import {
  CLIENT_SUBJECT,
  KAFKA_USERS,
  type KafkaPorts,
  kafkaSettings,
  KEYSTORE_PASSWORD,
  propertiesText,
} from './kafka-settings.ts'
import { launchBroker, untilReady } from './kafka-process.ts'
import { classPathOf, javaVersion, shortHash } from './maven-jars.ts'

const pomFolder = fileURLToPath(new URL('./kafka', import.meta.url))

const run = promisify(execFile)

/** What all brokers start from. */
export interface KafkaImage {
  readonly classPath: string
  /** Options of every JVM with this class path: what makes it start sooner. */
  readonly javaOptions: readonly string[]
  /** A formatted `data` folder and, when secure, `tls` beside it. */
  readonly folder: string
}

/**
 * The jars, an archive of their loaded classes, and a formatted data folder, from the cache or made now.
 *
 * Formatting takes a JVM a second, and loading classes without the archive half of a broker's start.
 */
export async function kafkaImage(isSecure: boolean): Promise<KafkaImage> {
  const classPath = await classPathOf(pomFolder)
  const plain = await formatted(classPath, false)
  const javaOptions = await archiveOptions(classPath, plain)
  return { classPath, javaOptions, folder: isSecure ? await formatted(classPath, true) : plain }
}

function formatted(classPath: string, isSecure: boolean): Promise<string> {
  const made = shortHash([classPath, KEYSTORE_PASSWORD, JSON.stringify(KAFKA_USERS)].join())
  return cachedFolder(`kafka-${isSecure ? 'secure' : 'plain'}-${made}`, async (folder) => {
    if (isSecure) await makeKeystores(join(folder, 'tls'))
    await format(folder, classPath, isSecure)
  })
}

async function format(folder: string, classPath: string, isSecure: boolean): Promise<void> {
  const ports: KafkaPorts = { controller: 1, plain: 2, ssl: 3, saslPlain: 4, saslSsl: 5 }
  const settings = join(folder, 'format.properties')
  await writeFile(settings, propertiesText(kafkaSettings(folder, ports, undefined)))
  const users = Object.entries(KAFKA_USERS).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  )
  const args = ['format', '-t', 'AAAAAAAAAAAAAAAAAAAAAQ', '-c', settings]
  const java = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', classPath, 'kafka.tools.StorageTool']
  await run('java', [...java, ...args, ...(isSecure ? users : [])])
}

/** A certificate of the server, which is its own authority, one of a client, and a store in which the broker trusts that one. */
async function makeKeystores(tls: string): Promise<void> {
  await mkdir(tls, { recursive: true })
  const keytool = (command: string, store: string, ...args: string[]): Promise<unknown> => {
    const secret = ['-storetype', 'PKCS12', '-storepass', KEYSTORE_PASSWORD]
    return run('keytool', [command, '-keystore', join(tls, store), ...secret, ...args])
  }
  const key = ['-keyalg', 'EC', '-validity', '3650', '-alias', 'key', '-dname']
  const names = ['-ext', 'SAN=IP:127.0.0.1,DNS:localhost']
  await Promise.all([
    keytool('-genkeypair', 'server.p12', ...key, 'CN=localhost', ...names),
    keytool('-genkeypair', 'client.p12', ...key, CLIENT_SUBJECT),
  ])
  const exported = (name: string): string[] => ['-alias', 'key', '-rfc', '-file', join(tls, name)]
  await Promise.all([
    keytool('-exportcert', 'server.p12', ...exported('server.pem')),
    keytool('-exportcert', 'client.p12', ...exported('client.pem')),
  ])
  const trusted = ['-noprompt', '-alias', 'client', '-file', join(tls, 'client.pem')]
  await keytool('-importcert', 'trusted.p12', ...trusted)
}

/** Options to use the archive of classes, which a broker leaves that is started and ended for it. */
async function archiveOptions(classPath: string, plain: string): Promise<readonly string[]> {
  const made = shortHash([classPath, javaVersion()].join())
  const folder = await cachedFolder(`kafka-classes-${made}`, async (draft) => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-kafka-classes-'))
    try {
      await runOnce(dir, plain, classPath, [`-XX:ArchiveClassesAtExit=${draft}/classes.jsa`])
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })
  // A Java that wrote none starts without: slower, that is all.
  const archive = join(folder, 'classes.jsa')
  return existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, '-Xlog:cds=off'] : []
}

async function runOnce(
  dir: string,
  image: string,
  classPath: string,
  javaOptions: readonly string[],
): Promise<void> {
  await cp(join(image, 'data'), join(dir, 'data'), { recursive: true })
  const [controller, plain] = await freePorts(2)
  const ports = { controller: controller!, plain: plain!, ssl: 0, saslPlain: 0, saslSsl: 0 }
  const settings = propertiesText(kafkaSettings(dir, ports, undefined))
  await writeFile(join(dir, 'server.properties'), settings)
  const broker = await launchBroker(dir, classPath, javaOptions, dir)
  await untilReady(broker, ports.plain)
  await broker.kill('SIGTERM')
}
