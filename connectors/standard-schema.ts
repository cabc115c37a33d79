/**
 * The part of the Standard Schema interface (version 1) that reading uses; Zod, Valibot, ArkType and others fit.
 *
 * Written down here so that the types of the package name no optional one.
 */
export interface StandardSchema<Out> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Out> | Promise<SchemaResult<Out>>
  }
}

/** A validated value, or what is wrong with it. */
export type SchemaResult<Out> =
  { readonly value: Out; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

/** One thing that is wrong with a value, and where. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}
