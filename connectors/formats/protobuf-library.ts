import type { DescFile, DescMessage, Message } from '@bufbuild/protobuf'
import type { FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { requirePeer } from '../../runtime/optional-peer.ts'
import type { ProtoMessage } from './proto-names.ts'

/** The part of @bufbuild/protobuf that is used here. */
export interface ProtobufLibrary {
  create(schema: DescMessage, value?: object): Message
  fromBinary(
    schema: DescMessage,
    bytes: Uint8Array,
    options: { readonly readUnknownFields: boolean },
  ): Message
  toBinary(schema: DescMessage, message: Message): Uint8Array
}

const ALTERNATIVE = 'write the messages as json()'

/** Loads @bufbuild/protobuf; `MR_DEPENDENCY_MISSING` without it. */
export function loadProtobuf(): ProtobufLibrary {
  return requirePeer('@bufbuild/protobuf', 'protobuf()', ALTERNATIVE) as ProtobufLibrary
}

function descriptorSchema(): typeof FileDescriptorProtoSchema {
  const known = requirePeer('@bufbuild/protobuf/wkt', 'protobuf()', ALTERNATIVE)
  return (known as { FileDescriptorProtoSchema: typeof FileDescriptorProtoSchema })
    .FileDescriptorProtoSchema
}

/** A file as registries take it where there is no text of it: its descriptor in Base64. */
export function descriptorText(file: DescFile): string {
  return Buffer.from(loadProtobuf().toBinary(descriptorSchema(), file.proto)).toString('base64')
}

/** The message types of a file that was registered as its descriptor; throws for text that is none. */
export function messagesOfDescriptor(text: string): readonly ProtoMessage[] {
  const bytes = Buffer.from(text, 'base64')
  const options = { readUnknownFields: false }
  const file = loadProtobuf().fromBinary(descriptorSchema(), bytes, options) as FileDescriptorProto
  return messagesIn(file.messageType, file.package)
}

function messagesIn(
  types: FileDescriptorProto['messageType'],
  scope: string,
): readonly ProtoMessage[] {
  return types
    .filter((type) => type.options?.mapEntry !== true)
    .map((type) => {
      const name = scope === '' ? type.name : `${scope}.${type.name}`
      return { name, nested: messagesIn(type.nestedType, name) }
    })
}
