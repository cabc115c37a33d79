import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePorts } from './free-port.ts'
import type { GuardedProcess } from './guarded-process.ts'
import { type KafkaImage, kafkaImage } from './kafka-image.ts'
import { launchBroker, untilReady } from './kafka-process.ts'
import {
  KAFKA_USERS,
  type KafkaPorts,
  kafkaSettings,
  KEYSTORE_PASSWORD,
  propertiesText,
} from './kafka-settings.ts'

/** How often other ports are tried when somebody else took one between looking and listening. */
const MAX_ATTEMPTS = 3

export interface KafkaServerOptions {
  /** Where its data is, and stays after `stop()`; a folder used before goes on. Default: a temporary folder, which `stop()` removes. */
  readonly dir?: string
  /** Settings of the broker by name, over those in kafka-settings.ts. */
  readonly settings?: Readonly<Record<string, string>>
  /** Adds listeners with TLS and SASL, users, and ACLs: see `KafkaServer.security`. Default: false. */
  readonly secure?: boolean
  /** Heap of the broker as Java writes it. Default: `512m`. */
  readonly heap?: string
  /** More options of its JVM. Benchmarks pass `-XX:TieredStopAtLevel=4`: better code, a slower start. Default: none. */
  readonly javaOptions?: readonly string[]
}

/** The addresses of a broker. Only the first one is there when it is not secure. */
export interface KafkaListeners {
  /** No TLS and no user; in a secure broker it may do everything. */
  readonly plain: string
  /** TLS without a user: may do everything. With the client certificate it is `CN=client`, which may do so as well. */
  readonly ssl: string
  /** SASL without TLS: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. */
  readonly saslPlain: string
  /** SASL with TLS. */
  readonly saslSsl: string
}

/** What clients of a secure broker need. */
export interface KafkaSecurity {
  /** Passwords of its users. `admin` may do everything, the others nothing until an ACL allows it. */
  readonly users: Readonly<Record<'admin' | 'reader' | 'writer', string>>
  /** Certificate that the broker's is checked against, PEM. */
  readonly ca: string
  /** A certificate with its key that the broker trusts, PKCS #12, as `tls.connect` takes it. */
  readonly client: { readonly pfx: Buffer; readonly passphrase: string }
}

/**
 * A real Apache Kafka: one node, broker and controller in one JVM, on free loopback ports.
 *
 * Never outlives the process that started it, and keeps its ports and its data over `kill()` and `restart()`. A start takes one
 * to two seconds, a restart after SIGKILL three more, in which the controller waits for the dead broker's session to end.
 */
export class KafkaServer {
  /** `host:port`, as clients take it. */
  readonly brokers: string
  readonly port: number
  readonly listeners: KafkaListeners
  /** Undefined when it is not secure. */
  readonly security: KafkaSecurity | undefined
  /** Its data, settings and log. */
  readonly dir: string
  /** Removes a temporary folder when this process ends while the broker is down; undefined for a folder that stays. */
  readonly #removeAtExit: (() => void) | undefined
  readonly #launch: () => Promise<GuardedProcess>
  #process: GuardedProcess

  private constructor(
    dir: string,
    isTemporary: boolean,
    ports: KafkaPorts,
    security: KafkaSecurity | undefined,
    launch: () => Promise<GuardedProcess>,
    broker: GuardedProcess,
  ) {
    const at = (port: number): string => `127.0.0.1:${port}`
    const { plain, ssl, saslPlain, saslSsl } = ports
    this.dir = dir
    this.port = plain
    this.brokers = at(plain)
    this.listeners = {
      plain: at(plain),
      ssl: at(ssl),
      saslPlain: at(saslPlain),
      saslSsl: at(saslSsl),
    }
    this.security = security
    this.#launch = launch
    this.#process = broker
    if (isTemporary) {
      this.#removeAtExit = () => this.#removeUnlessRunning()
      process.once('exit', this.#removeAtExit)
    }
  }

  /** Resolves when the broker answers. Rejects with the end of its log when it does not come up. */
  static async start(options: KafkaServerOptions = {}): Promise<KafkaServer> {
    const isTemporary = options.dir === undefined
    const dir = resolve(options.dir ?? (await mkdtemp(join(tmpdir(), 'millrace-kafka-'))))
    try {
      const image = await kafkaImage(options.secure ?? false)
      await mkdir(dir, { recursive: true })
      // A folder that was used before, or whose copy was cut short, is told by its last file.
      if (!existsSync(join(dir, 'formatted'))) {
        await cp(join(image.folder, 'data'), join(dir, 'data'), { recursive: true })
        await writeFile(join(dir, 'formatted'), '')
      }
      return await KafkaServer.#startOnFreePorts(dir, image, options)
    } catch (error) {
      if (isTemporary) await rm(dir, { recursive: true, force: true })
      throw error
    }
  }

  static async #startOnFreePorts(
    dir: string,
    image: KafkaImage,
    options: KafkaServerOptions,
  ): Promise<KafkaServer> {
    const isTemporary = options.dir === undefined
    const tls = options.secure === true ? join(image.folder, 'tls') : undefined
    const heap = options.heap ?? '512m'
    const java = [`-Xms${heap}`, `-Xmx${heap}`, ...image.javaOptions]
    const launch = (): Promise<GuardedProcess> =>
      launchBroker(
        dir,
        image.classPath,
        [...java, ...(options.javaOptions ?? [])],
        isTemporary ? dir : undefined,
      )
    for (let attempt = 1; ; attempt++) {
      const ports = await choosePorts()
      const settings = kafkaSettings(dir, ports, tls, options.settings)
      await writeFile(join(dir, 'server.properties'), propertiesText(settings))
      const broker = await launch()
      try {
        await untilReady(broker, ports.plain)
      } catch (error) {
        const isTaken = String(error).includes('Address already in use')
        if (isTaken && attempt < MAX_ATTEMPTS) continue
        throw error
      }
      const security = tls === undefined ? undefined : await securityIn(tls)
      return new KafkaServer(dir, isTemporary, ports, security, launch, broker)
    }
  }

  /** The id of the broker's process. */
  get pid(): number {
    return this.#process.pid
  }

  /** What it wrote last. */
  log(): string {
    return this.#process.endOfLog()
  }

  /** Ends the broker and waits until it is gone; its data stays. SIGSTOP and SIGCONT only stop it and let it go on. Default: SIGKILL. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#process.kill(signal)
  }

  /** Starts it again on the same ports and data, after SIGKILL when it still runs; resolves when it answers. */
  async restart(): Promise<void> {
    await this.kill()
    this.#process = await this.#launch()
    await untilReady(this.#process, this.port)
  }

  /** Ends it, at once when its data is temporary, else in good order. The temporary folder is removed. */
  async stop(): Promise<void> {
    if (this.#removeAtExit === undefined) return this.kill('SIGTERM')
    await this.kill()
    process.off('exit', this.#removeAtExit)
    await rm(this.dir, { recursive: true, force: true })
  }

  /** While the broker runs, its guard ends it first and then removes the folder. */
  #removeUnlessRunning(): void {
    if (this.#process.exitCode !== undefined) rmSync(this.dir, { recursive: true, force: true })
  }
}

async function choosePorts(): Promise<KafkaPorts> {
  const [controller, plain, ssl, saslPlain, saslSsl] = await freePorts(5)
  return {
    controller: controller!,
    plain: plain!,
    ssl: ssl!,
    saslPlain: saslPlain!,
    saslSsl: saslSsl!,
  }
}

async function securityIn(tls: string): Promise<KafkaSecurity> {
  const pfx = await readFile(join(tls, 'client.p12'))
  return {
    users: KAFKA_USERS,
    ca: await readFile(join(tls, 'server.pem'), 'utf8'),
    client: { pfx, passphrase: KEYSTORE_PASSWORD },
  }
}
