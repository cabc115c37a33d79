import { createRequire } from 'node:module'
import { StreamError, thrownText } from './errors.ts'

const require = createRequire(import.meta.url)

/**
 * Loads a package that millrace works without, and that the user installs beside it: an optional peer dependency.
 *
 * Synchronous, so that a format or connector that needs one says so where the job is built, not at its first record. It is
 * searched for from where millrace is installed. Loading costs once a thread; after that this is a look-up.
 *
 * Fails with `MR_DEPENDENCY_MISSING`, with both ways out, when it is not installed; a package that is there and throws while it
 * loads fails with the same code and the reason.
 *
 * @param name Of the package, or of a file of it: `kafkajs`, `protobufjs/ext/descriptor`.
 * @param from What needs it, as users write it, such as `avro()`: begins the message.
 * @param alternative What does without, as the end of the sentence "install it, or …".
 */
export function requirePeer(name: string, from: string, alternative: string): unknown {
  try {
    return require(name)
  } catch (error) {
    throw peerError(name, from, alternative, error)
  }
}

function peerError(name: string, from: string, alternative: string, error: unknown): StreamError {
  const { code, message } = error as NodeJS.ErrnoException
  const isMissing =
    code === 'MODULE_NOT_FOUND' && message.startsWith(`Cannot find module '${name}'`)
  const [what, wayOut] = isMissing
    ? ['which is not installed', `install it beside millrace with "npm install ${packageOf(name)}"`]
    : [`which is installed but cannot be loaded (${thrownText(error)})`, 'mend that']
  return new StreamError(
    'MR_DEPENDENCY_MISSING',
    `${from} needs the package ${name}, ${what}; the job cannot be built; ${wayOut}, or ${alternative}.`,
    { package: packageOf(name) },
    error,
  )
}

/** The package of a file of it: its first part, of a scoped one the first two. */
function packageOf(name: string): string {
  return name.split('/', name.startsWith('@') ? 2 : 1).join('/')
}
