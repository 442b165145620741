/**
 * A JSON Schema as a list of fields for readers: `{ path, type, meaning }`, one a member, nested ones with their whole path.
 *
 * Only what `libs/contracts` makes is understood: objects, lists, records, unions of objects by a literal member, and plain values.
 * Anything else fails, so that no field is left out silently.
 */

/** @param schema of an object, @param shorthand what to write instead of a schema's own fields, or undefined. */
export function fieldsOf(schema, shorthand = () => undefined) {
  return membersOf(schema, '', shorthand)
}

function membersOf({ properties, required }, prefix, shorthand) {
  return Object.entries(properties).flatMap(([name, member]) => {
    const [own, ...below] = memberFields(`${prefix}${name}`, member, shorthand)
    const isOptional = required?.includes(name) === false
    return [isOptional ? { ...own, type: `${own.type}; may be absent` } : own, ...below]
  })
}

function memberFields(path, schema, shorthand) {
  const own = { path, type: typeName(schema, shorthand), meaning: schema.description ?? '' }
  if (shorthand(schema) !== undefined) return [own]
  const { nested, suffix } = inner(schema)
  if (nested === undefined || shorthand(nested) !== undefined) return [own]
  if (nested.oneOf !== undefined) return [own, ...variants(`${path}${suffix}`, nested, shorthand)]
  if (nested.properties === undefined) return [own]
  return [own, ...membersOf(nested, `${path}${suffix}.`, shorthand)]
}

/** What a list, a record or a union with null holds, and how its members are addressed. */
function inner(schema) {
  const bare = withoutNull(schema)
  if (bare.type === 'array') return { nested: withoutNull(bare.items), suffix: '[]' }
  if (typeof bare.additionalProperties === 'object')
    return { nested: bare.additionalProperties, suffix: '.NAME' }
  if (bare.properties !== undefined || bare.oneOf !== undefined) return { nested: bare, suffix: '' }
  return { nested: undefined, suffix: '' }
}

/** The members of each branch but the literal one that tells them apart. */
function variants(path, { oneOf }, shorthand) {
  return oneOf.flatMap((branch) => {
    const { kind, ...rest } = branch.properties
    const fields = membersOf({ ...branch, properties: rest }, `${path}.`, shorthand)
    return fields.map((field) => ({ ...field, type: `${field.type}; with \`${kind.const}\`` }))
  })
}

function withoutNull(schema) {
  const [first, second, ...more] = schema.anyOf ?? []
  return second?.type === 'null' && more.length === 0 ? first : schema
}

/** A schema in a few words. */
export function typeName(schema, shorthand = () => undefined) {
  const short = shorthand(schema)
  if (short !== undefined) return short
  const bare = withoutNull(schema)
  if (bare !== schema) return `${typeName(bare, shorthand)} or null`
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeName({ ...schema, type })).join(' or ')
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ')
  if (schema.anyOf !== undefined)
    return schema.anyOf.map((branch) => typeName(branch, shorthand)).join(' or ')
  if (schema.oneOf !== undefined)
    return `one of ${schema.oneOf.map((branch) => typeName(branch.properties.kind)).join(', ')}`
  switch (schema.type) {
    case 'integer':
      return 'whole number'
    case 'number':
      return schema.maximum === 1 ? 'share (0 to 1)' : 'number'
    case 'string':
      return 'text'
    case 'boolean':
      return 'true or false'
    case 'null':
      return 'null'
    case 'array':
      return `list of ${plural(typeName(schema.items, shorthand))}`
    case 'object':
      return typeof schema.additionalProperties === 'object'
        ? `${typeName(schema.additionalProperties, shorthand)} by ${keyName(schema)}`
        : 'object'
    default:
      throw new Error(`no words for the schema ${JSON.stringify(schema)}`)
  }
}

function keyName({ propertyNames }) {
  return propertyNames?.enum === undefined ? 'name' : typeName(propertyNames)
}

function plural(type) {
  if (type.startsWith('object')) return type.replace('object', 'objects')
  return type.endsWith('number') ? `${type}s` : type
}
