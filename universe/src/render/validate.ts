import AjvDraft04 from 'ajv-draft-04'
import { asDoubles, cleanSchema, SchemaProblem } from './clean-schema.ts'
import { runBounded, TookTooLong } from './guard.ts'
import type { JsonObject } from './json.ts'
import { type Mismatch, toMismatches } from './mismatch.ts'

/** Schemas and patterns are a stranger's: compiling and validating together may take this long. */
const maxMilliseconds = 2_000
/** A mismatch of hostile options must not become a gigabyte of errors. */
const maxMismatches = 1_000

/**
 * Validates options against a package's config schema (JSON Schema draft-04, the way contract 1 reads it) and answers every
 * failure; none means valid. A schema that can not be used is a failure too: its words are in `message`.
 */
export function validateOptions(options: JsonObject, config: JsonObject): Mismatch[] {
  try {
    const schema = cleanSchema(config)
    const data = asDoubles(options)
    return runBounded(maxMilliseconds, () => {
      const Ajv = AjvDraft04.default
      const ajv = new Ajv({
        allErrors: true,
        strict: false,
        strictNumbers: false,
        validateSchema: false,
        validateFormats: false,
        unicodeRegExp: false,
        addUsedSchema: false,
        logger: false,
        messages: true,
        verbose: true,
      })
      const validate = ajv.compile(schema)
      if (validate(data)) return []
      return toMismatches((validate.errors ?? []).slice(0, maxMismatches))
    })
  } catch (error) {
    return [unusable(error as Error)]
  }
}

function unusable(error: Error): Mismatch {
  const reason =
    error instanceof TookTooLong
      ? `validating the options ${error.message}: a pattern of the config schema is too costly for them`
      : error instanceof SchemaProblem
        ? error.message
        : `the config schema can not be used: ${error.message}`
  return {
    level: 'error',
    domain: 'validation',
    keyword: 'schema',
    message: reason,
    schema: { pointer: '' },
    instance: { pointer: '' },
  }
}
