import { TestKafka } from '../../servers/kafka-for-tests.ts'
import { KafkaServer } from '../../servers/kafka-server.ts'
import { CuttingProxy } from './cutting-proxy.ts'

/** A broker that clients reach through a proxy only. */
export interface ProxiedBroker {
  readonly server: KafkaServer
  readonly proxy: CuttingProxy
  /** `host:port` of the proxy. */
  readonly brokers: string
  /** For what a test does itself; goes through the proxy, too. */
  readonly kafka: TestKafka
  stop(): Promise<void>
}

export async function proxiedBroker(
  settings: Readonly<Record<string, string>> = {},
): Promise<ProxiedBroker> {
  const proxy = await CuttingProxy.start()
  const brokers = `127.0.0.1:${proxy.port}`
  const advertised = { 'advertised.listeners': `PLAINTEXT://${brokers}` }
  const server = await KafkaServer.start({ settings: { ...settings, ...advertised } })
  proxy.forwardTo(server.port)
  const kafka = new TestKafka(brokers)
  const stop = async (): Promise<void> => {
    await kafka.close()
    await proxy.close()
    await server.stop()
  }
  return { server, proxy, brokers, kafka, stop }
}
