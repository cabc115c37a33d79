/** The ports of a broker. Those of the last three listeners are used in a secure one only. */
export interface KafkaPorts {
  readonly controller: number
  readonly plain: number
  readonly ssl: number
  readonly saslPlain: number
  readonly saslSsl: number
}

/** The users of a secure broker with their passwords. `admin` may do everything, the others nothing until an ACL allows it. */
export const KAFKA_USERS = {
  admin: 'admin-secret',
  reader: 'reader-secret',
  writer: 'writer-secret',
} as const

export const KEYSTORE_PASSWORD = 'keystore-secret'

/** The subject of the client certificate in a secure broker's folder; it may do everything. */
export const CLIENT_SUBJECT = 'CN=client'

const HOST = '127.0.0.1'

/** What one node for tests wants otherwise than a cluster does: no copies, few threads, and no waiting. */
const COMMON: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
  'auto.create.topics.enable': 'false',
  // Records of tests have the timestamps of their events, and the first round of retention comes 30 s after the start.
  'log.retention.ms': '-1',
  'num.network.threads': '2',
  'num.io.threads': '4',
  'background.threads': '2',
  'log.cleaner.dedupe.buffer.size': '4194304',
  // After a SIGKILL the controller waits until the session of the dead broker has ended: by default 9 s.
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '300',
  'controller.quorum.election.timeout.ms': '200',
}

/** The settings of a broker with its data in `dir/data`; those given last win. `tls` is the folder of the keystores. */
export function kafkaSettings(
  dir: string,
  ports: KafkaPorts,
  tls: string | undefined,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const names: Record<string, number> = { PLAINTEXT: ports.plain }
  if (tls !== undefined) {
    names.SSL = ports.ssl
    names.SASL_PLAINTEXT = ports.saslPlain
    names.SASL_SSL = ports.saslSsl
  }
  const listeners = Object.entries(names).map(([name, port]) => `${name}://${HOST}:${port}`)
  return {
    ...COMMON,
    'controller.quorum.voters': `1@${HOST}:${ports.controller}`,
    listeners: [...listeners, `CONTROLLER://${HOST}:${ports.controller}`].join(','),
    'advertised.listeners': listeners.join(','),
    'listener.security.protocol.map': [...Object.keys(names), 'CONTROLLER']
      .map((name) => `${name}:${name === 'CONTROLLER' ? 'PLAINTEXT' : name}`)
      .join(','),
    'log.dirs': `${dir}/data`,
    ...(tls === undefined ? {} : security(tls)),
    ...more,
  }
}

/** The lines of a properties file. */
export function propertiesText(settings: Readonly<Record<string, string>>): string {
  const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${escaped(value)}\n`)
    .join('')
}

function security(tls: string): Record<string, string> {
  const settings: Record<string, string> = {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // The plain listener is the tests' back door: whoever comes that way has no name.
    'super.users': `User:admin;User:ANONYMOUS;User:${CLIENT_SUBJECT}`,
    'ssl.keystore.location': `${tls}/server.p12`,
    'ssl.keystore.password': KEYSTORE_PASSWORD,
    'ssl.keystore.type': 'PKCS12',
    'ssl.truststore.location': `${tls}/trusted.p12`,
    'ssl.truststore.password': KEYSTORE_PASSWORD,
    'ssl.truststore.type': 'PKCS12',
    'listener.name.ssl.ssl.client.auth': 'requested',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
  }
  const modules = 'org.apache.kafka.common.security'
  const users = Object.entries(KAFKA_USERS).map(([name, password]) => `user_${name}="${password}"`)
  for (const listener of ['sasl_plaintext', 'sasl_ssl']) {
    const prefix = `listener.name.${listener}`
    settings[`${prefix}.plain.sasl.jaas.config`] =
      `${modules}.plain.PlainLoginModule required ${users.join(' ')};`
    for (const mechanism of ['scram-sha-256', 'scram-sha-512']) {
      settings[`${prefix}.${mechanism}.sasl.jaas.config`] =
        `${modules}.scram.ScramLoginModule required;`
    }
  }
  return settings
}
