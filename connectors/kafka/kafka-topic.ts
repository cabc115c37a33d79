import { StreamError, givenText } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import type { MessageFormat } from '../message-format.ts'

/** A topic with what its messages are, for sources and sinks alike. */
export interface KafkaTopic<V, K = Uint8Array> {
  /** Name of the topic. */
  readonly name: string
  /** How values become bytes and back, such as `json<Order>()`. */
  readonly value: MessageFormat<V>
  /** The same for keys. Default: none, or `bytes()` where keys are read. */
  readonly key?: MessageFormat<K>
}

const NAMES: OptionNames<KafkaTopic<unknown, unknown>> = { name: true, value: true, key: true }

/** What Kafka takes for the name of a topic. */
export function isTopicName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9._-]{1,249}$/.test(name) && !/^\.\.?$/.test(name)
}

/**
 * Names a topic with its formats once, so that who writes it and who reads it cannot differ.
 *
 * @example
 * const orders = kafkaTopic({ name: 'orders', value: json<Order>(), key: string() })
 */
export function kafkaTopic<V, K = Uint8Array>(topic: KafkaTopic<V, K>): KafkaTopic<V, K> {
  checkOptionNames(topic, NAMES, 'kafkaTopic()')
  const wrong = (option: string, found: unknown, wanted: string): StreamError =>
    new StreamError(
      'MR_OPTION_INVALID',
      `kafkaTopic(): ${option} is ${givenText(found)}, so it names no topic; give ${wanted}.`,
      { option },
    )
  const { name, value, key } = topic
  if (!isTopicName(name)) throw wrong('name', name, 'the name of a topic')
  for (const [option, format] of Object.entries({ value, key })) {
    if (option === 'key' && format === undefined) continue
    if (typeof format?.createMessageWriter === 'function') continue
    throw wrong(option, format, 'a format of messages, such as json(), string() or bytes()')
  }
  return topic
}
