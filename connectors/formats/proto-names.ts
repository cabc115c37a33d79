/** A message type of a Protobuf schema: its full name and those declared within it, in order. */
export interface ProtoMessage {
  readonly name: string
  readonly nested: readonly ProtoMessage[]
}

/** The full name of the message type that indexes lead to; undefined where there is none. */
export function messageAt(
  messages: readonly ProtoMessage[],
  path: readonly number[],
): string | undefined {
  let level = messages
  let found: ProtoMessage | undefined
  for (const index of path) {
    found = level[index]
    if (found === undefined) return undefined
    level = found.nested
  }
  return found?.name
}

/** The indexes that lead to a message type; undefined where it is not there. */
export function indexesOf(
  messages: readonly ProtoMessage[],
  name: string,
): readonly number[] | undefined {
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i] as ProtoMessage
    if (message.name === name) return [i]
    if (!name.startsWith(`${message.name}.`)) continue
    const rest = indexesOf(message.nested, name)
    if (rest !== undefined) return [i, ...rest]
  }
  return undefined
}

/** Comments, texts, words and the marks that structure a file; all else says nothing about the names of messages. */
const TOKEN = /\/\/[^\n]*|\/\*[^]*?\*\/|"(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*'|[\w.]+|[{};=]/g

interface OpenMessage {
  readonly name: string
  readonly nested: ProtoMessage[]
}

/**
 * The message types of the text of a `.proto` file, in the order in which they stand there.
 *
 * Looks for nothing else and checks nothing: a registry has done that. What stands for a group (of proto2) counts as none, nor
 * do the entries of maps, as in the indexes that Confluent's clients write.
 */
export function messagesOfProto(text: string): readonly ProtoMessage[] {
  const messages: ProtoMessage[] = []
  /** The message that each open brace belongs to; undefined for braces of all else. */
  const open: (OpenMessage | undefined)[] = []
  let scope = ''
  let [before, last] = ['', '']
  for (const [token] of text.matchAll(TOKEN)) {
    if (/^(?:\/\/|\/\*)/.test(token)) continue
    if (token === '{') {
      const isMessage = before === 'message' && /^\w+$/.test(last)
      open.push(isMessage ? openMessage(messages, open, scope, last) : undefined)
    } else if (token === '}') {
      open.pop()
    } else if (token === ';' && before === 'package' && open.length === 0) {
      scope = last
    }
    ;[before, last] = [last, token]
  }
  return messages
}

function openMessage(
  messages: ProtoMessage[],
  open: readonly (OpenMessage | undefined)[],
  scope: string,
  name: string,
): OpenMessage {
  const around = open.at(-1)
  const prefix = around?.name ?? scope
  const message = { name: prefix === '' ? name : `${prefix}.${name}`, nested: [] }
  ;(around?.nested ?? messages).push(message)
  return message
}
