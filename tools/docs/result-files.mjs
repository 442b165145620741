import { interfaceComments } from './interface-comments.mjs'
import { fieldsOf } from './schema-fields.mjs'

/** Where the comments of the trace's events are. */
export const TRACE_SOURCE = 'libs/contracts/src/trace.ts'

/**
 * The text of `docs/summary.md`: every field of what a run writes.
 *
 * @param schemas JSON Schemas by path, as `libs/contracts` makes them.
 * @param traceSource text of {@link TRACE_SOURCE}: what an event means is said there, in comments.
 */
export function resultFilesDocument(schemas, traceSource) {
  const summary = schemas['schemas/summary.schema.json']
  return [
    INTRODUCTION,
    summaryText(summary),
    traceText(schemas['schemas/trace.schema.json'], traceSource),
    TIME_SERIES,
    comparisonText(schemas['schemas/comparison.schema.json'], summary),
  ].join('\n')
}

const INTRODUCTION = `# What a run writes

<!-- Written by \`npm run generate\` from libs/contracts (tools/docs/result-files.mjs). Change the schemas or their comments, not this file. -->

| file | what it is | schema |
|---|---|---|
| \`summary.json\` | what the run came to, as numbers | [\`schemas/summary.schema.json\`](../schemas/summary.schema.json) |
| \`trace.jsonl\` | what happened, one event a line | [\`schemas/trace.schema.json\`](../schemas/trace.schema.json) |
| \`timeseries.csv\` | levels and flows over time | [below](#timeseriescsv) |
| \`report.md\`, \`report.html\` | the same for people: tables and plots, the page in one file | |
| \`comparison.json\` | several policies or seeds side by side; only at the top of a comparison | [\`schemas/comparison.schema.json\`](../schemas/comparison.schema.json) |

\`kvasir simulate\` writes them to \`out/NAME\` or to the folder that \`--out\` names. A comparison has one folder a policy (and seed)
below that. Times are whole microseconds of virtual time from the start of the run unless a name says otherwise. A field without
a sentence is what its name says. An empty set has no percentile: those members are null, not 0.
`

const TIME_SERIES = `## timeseries.csv

\`time_s\` is the start of a row's interval in seconds; intervals are equal and double in length when the table is full, so the file
stays small however long the run was. A level is its mean over the interval, a flow its amount per second. The columns come from
[\`timeline.ts\`](../libs/simulation/src/timeline.ts): \`budgetTokens\`, \`servedTokensPerS\`, \`leaseBundles\`, \`inUseBundles\`, \`waiting\`, \`running\`, \`busyUsPerS\`

| column | meaning |
|---|---|
| \`MODEL.budgetTokens\` | tokens that the model's engines may schedule in a round, by right |
| \`MODEL.servedTokensPerS\` | tokens its engines computed, prefill and decode |
| \`MODEL.leaseBundles\` | bundles they may hold |
| \`MODEL.inUseBundles\` | bundles with a block in use |
| \`MODEL.waiting\` | sequences that wait |
| \`MODEL.running\` | sequences in the running batch |
| \`POOL.busyUsPerS\` | microseconds of computing a second: a million is a group that never rests |
| \`POOL.inUseBundles\` | bundles of the pool with a block in use |
`

function isDistribution({ properties }) {
  return properties !== undefined && 'p99' in properties
}

function summaryText(schema) {
  const run = schema.properties
  const distribution = Object.values(run).find(isDistribution)
  const model = run.models.additionalProperties
  const pool = run.pools.additionalProperties
  const shorthand = (member) => {
    if (member === model) return '[model](#a-model)'
    if (member === pool) return '[pool](#a-pool)'
    return isDistribution(member) ? '[distribution](#a-distribution)' : undefined
  }
  const isAlike = ([name, member]) => JSON.stringify(member) === JSON.stringify(run[name])
  const members = Object.entries(model.properties)
  const alike = members.filter(isAlike).map(([name]) => `\`${name}\``)
  const own = Object.fromEntries(members.filter((member) => !isAlike(member)))
  return [
    '## summary.json',
    '',
    table(fieldsOf(schema, shorthand)),
    '### A model',
    '',
    `Has of its model alone what the run has of all: ${alike.join(', ')}. Besides:`,
    '',
    table(fieldsOf({ ...model, properties: own }, shorthand)),
    '### A pool',
    '',
    'One TP group and its KV memory.',
    '',
    table(fieldsOf(pool, shorthand)),
    '### A distribution',
    '',
    'Percentiles are values that occurred (nearest rank), in microseconds.',
    '',
    table(fieldsOf(distribution)),
  ].join('\n')
}

function traceText({ oneOf }, source) {
  const interfaces = [...interfaceComments(TRACE_SOURCE, source).values()]
  const envelope = interfaces.find(({ members }) => members.has('ts_us'))
  const events = oneOf.map((schema) => eventText(schema, interfaces, Object.keys(envelopeOf(oneOf))))
  return [
    '## trace.jsonl',
    '',
    'One JSON object a line, in order of time. Every event has these members:',
    '',
    table(
      fieldsOf({ properties: envelopeOf(oneOf) }).map((field) => ({
        ...field,
        type: field.path === 'event' ? 'the name of the event' : field.type,
        meaning: envelope?.members.get(field.path) ?? '',
      })),
    ),
    'The first five events carry the ten fields of the LLMSched trace with their meaning there; whatever else they have, and every',
    'other event, is ours. `--trace-compat llmsched` leaves out all that is ours. With `--trace-detail step` each `decode` is one token.',
    '',
    ...events,
  ].join('\n')
}

/** Members that every event has. */
function envelopeOf(oneOf) {
  const [first, ...rest] = oneOf.map(({ properties }) => properties)
  const common = Object.entries(first).filter(([name]) => rest.every((properties) => name in properties))
  return Object.fromEntries(common)
}

function eventText({ properties }, interfaces, envelope) {
  const event = properties.event.const
  const described = interfaces.find(({ literals }) => literals.get('event')?.includes(event))
  if (described === undefined) throw new Error(`${TRACE_SOURCE} has no interface for the event ${event}`)
  const own = Object.fromEntries(Object.entries(properties).filter(([name]) => !envelope.includes(name)))
  const fields = fieldsOf({ properties: own }).map((field) => ({
    ...field,
    meaning: described.members.get(field.path) ?? field.meaning,
  }))
  return [
    `### ${event}`,
    '',
    ...(described.comment === '' ? [] : [described.comment, '']),
    table(fields),
  ].join('\n')
}

function comparisonText(schema, summary) {
  const isSummary = (member) => JSON.stringify(member.properties) === JSON.stringify(summary.properties)
  const short = (member) => (isSummary(member) ? '[summary](#summaryjson)' : undefined)
  return ['## comparison.json', '', table(fieldsOf(schema, short))].join('\n')
}

function table(fields) {
  const rows = fields.map(({ path, type, meaning }) => `| \`${path}\` | ${cell(type)} | ${cell(meaning)} |`)
  return ['| field | type | meaning |', '|---|---|---|', ...rows, ''].join('\n')
}

function cell(text) {
  return text.replaceAll('|', '\\|')
}
