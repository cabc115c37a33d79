import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import type { ErrorData } from '../runtime/errors.ts'

/** Most lines of a stack that are shown, and the longest value of a field. */
const MAX_FRAMES = 10
const MAX_FIELD = 200

/** The root of this package, built or not, as a path with a separator at its end. */
const ROOT = fileURLToPath(new URL('../', import.meta.url)).replace(/dist[\\/]$/, '')
const OWN_FOLDERS = ['bin', 'cli', 'connectors', 'dist', 'operators', 'runtime', 'state', 'testing']

/**
 * An error as lines for a person: code and message, the fields that the message does not already tell, the causes, and
 * where in the user's own code it came from.
 *
 * Frames of this package and of Node are left out: they tell a user nothing. Only where there is nothing else, for an
 * error that nobody foresaw, is the whole stack shown, with the line that it is a defect.
 */
export function renderError(error: ErrorData): string[] {
  const lines = [`error ${error.code ?? error.name}: ${error.message}`]
  const chain = causes(error)
  for (const cause of chain.slice(1)) {
    const [message = ''] = cause.message.split('\n')
    if (message !== '' && !error.message.includes(message)) {
      lines.push(`  caused by ${cause.code ?? cause.name}: ${message}`)
    }
  }
  lines.push(...fieldLines(error))
  const frames = userFrames(error)
  if (frames.length > 0) lines.push('  in your code:', ...frames.map((frame) => `    ${frame}`))
  else if (isUnforeseen(chain)) {
    lines.push('  This is a defect of millrace: report it with this stack.')
    lines.push(...stackFrames(chain.at(-1)!).map((frame) => `    ${frame}`))
  }
  return lines.map((line) => stripVTControlCharacters(line))
}

/** The frames in the user's own files of the innermost error that has any, outermost call last. */
export function userFrames(error: ErrorData): string[] {
  for (const one of causes(error).reverse()) {
    const frames = stackFrames(one).filter((frame) => isUserFrame(frame))
    if (frames.length > 0) return frames.slice(0, MAX_FRAMES)
  }
  return []
}

/** An error as the JSON line tells it. */
export interface JsonError {
  readonly code: string | undefined
  readonly name: string
  readonly message: string
  readonly fields: ErrorData['fields']
  readonly cause: JsonError | undefined
}

/** An error and its causes without their stacks. */
export function jsonError(error: ErrorData): JsonError {
  return {
    code: error.code,
    name: error.name,
    message: error.message,
    fields: error.fields,
    cause: error.cause === undefined ? undefined : jsonError(error.cause),
  }
}

function causes(error: ErrorData): ErrorData[] {
  const chain: ErrorData[] = []
  for (let one: ErrorData | undefined = error; one !== undefined; one = one.cause) chain.push(one)
  return chain
}

/** Values that the message does not already name; long ones are shortened. */
function fieldLines(error: ErrorData): string[] {
  return Object.entries(error.fields).flatMap(([name, value]) => {
    const text = fieldText(value)
    if (text === undefined || text === '' || isTold(error.message, value, text)) return []
    return [`  ${name}: ${text}`]
  })
}

/** Parts that are shorter are found in a message by chance. */
const MIN_PART = 4

/** Whether a message tells a value; of an object or list that it tells every part. */
function isTold(message: string, value: unknown, text: string): boolean {
  if (tells(message, text)) return true
  if (typeof value !== 'object' || value === null) return false
  const parts = Object.values(value).map(String)
  return parts.every((part) => part.length >= MIN_PART && tells(message, part))
}

/** Whether a message has a text, as words of their own. */
function tells(message: string, text: string): boolean {
  for (let at = message.indexOf(text); at !== -1; at = message.indexOf(text, at + 1)) {
    const before = message[at - 1] ?? ' '
    const after = message[at + text.length] ?? ' '
    if (!/\w/.test(before) && !/\w/.test(after)) return true
  }
  return false
}

/** A value as text; undefined for what says nothing to a person, or is too large: it is there for programs. */
function fieldText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && !Number.isFinite(value)) return undefined
  if (typeof value !== 'object') return shorten(String(value))
  if (Array.isArray(value)) {
    return value.some((one) => typeof one === 'object') ? undefined : shorten(value.join(', '))
  }
  const text = jsonText(value)
  return text.length > MAX_FIELD ? undefined : text
}

function jsonText(value: object): string {
  try {
    return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}` : one))
  } catch {
    return String(value)
  }
}

function shorten(text: string): string {
  const line = text.replaceAll('\n', ' ')
  return line.length > MAX_FIELD ? `${line.slice(0, MAX_FIELD)}…` : line
}

/** `at name (path:line:column)`, file URLs as paths. */
function stackFrames(error: ErrorData): string[] {
  const lines = (error.stack ?? '').split('\n').map((line) => line.trim())
  return lines.filter((line) => line.startsWith('at ')).map((line) => withPath(line))
}

function isUserFrame(frame: string): boolean {
  // Frames of Node and of builtins have no path.
  if (frame.includes('node:') || !/[\\/]/.test(frame)) return false
  if (/[\\/]node_modules[\\/]/.test(frame)) return false
  return !OWN_FOLDERS.some((folder) => frame.includes(`${ROOT}${folder}${sep}`))
}

function withPath(frame: string): string {
  return frame.replace(/file:\/\/[^\s)]*/, (url) => {
    const [, file, position] = /^(.*?)((?::\d+)*)$/.exec(url) ?? [url, url, '']
    try {
      return `${fileURLToPath(file!)}${position}`
    } catch {
      return url
    }
  })
}

/** Whether nobody gave it a code, or the code of a broken invariant. */
function isUnforeseen(chain: readonly ErrorData[]): boolean {
  return (
    chain.some((one) => one.code === 'MR_INTERNAL') || chain.every((one) => one.code === undefined)
  )
}
