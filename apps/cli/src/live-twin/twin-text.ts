import {
  budgetTable,
  decisionTable,
  latencyTable,
  pairTable,
  pathTable,
  renderTable,
  twinAnswer,
  type TwinReport,
  type TwinRun,
} from '@kvasir/report'

/** What a person reads in a terminal. */
export function twinText({ question, runs }: TwinReport): string {
  return [question, ...runs.map(runText)].join('\n\n')
}

function runText(run: TwinRun): string {
  const tables = [latencyTable(run), pairTable(run), pathTable(run), decisionTable(run), budgetTable(run)]
  const texts = tables.map(({ caption, header, rows }) =>
    [
      `${caption}:`,
      renderTable({
        header,
        rows,
        align: header.map((_, i): 'left' | 'right' => (i === 0 ? 'left' : 'right')),
      }),
    ].join('\n'),
  )
  return [...(run.label === '' ? [] : [run.label]), twinAnswer(run).join('\n'), ...texts].join('\n\n')
}

/** What a program reads; with `requests` also each request of each side. */
export function twinJson(
  { name, question, runs, facts, command }: TwinReport,
  { requests }: { readonly requests: boolean },
): string {
  const json = {
    name,
    question,
    command,
    facts,
    runs: runs.map(({ sides, ...run }) => ({
      ...run,
      answer: twinAnswer({ sides, ...run }),
      ...(requests
        ? {
            requests: {
              live: sides.live.requests,
              simulated: sides.simulated.requests,
              bare: sides.bare.requests,
            },
          }
        : {}),
    })),
  }
  return JSON.stringify(json, mapsAsObjects, 2)
}

function mapsAsObjects(_: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value
}
