import { describe, expect, it } from 'vitest'
import { renderHtml } from './html/render-html.js'
import { renderMarkdown } from './markdown/render-markdown.js'
import { sparkline } from './markdown/sparkline.js'
import { escapeText, markup } from './markup.js'
import type { ReportInput } from './model.js'
import { renderPlotFiles } from './plot-files.js'
import { sampleReport } from './testing/sample-report.js'

const VOID_ELEMENTS = new Set(['meta', 'link', 'br'])
const HOSTILE = `<img src=x onerror=alert(1)>"'&]]>|*_\`\n# \u0000`

/** Every opened element that is not closed in its turn; styles and scripts are skipped. */
function unbalanced(document: string): string[] {
  const open: string[] = []
  const problems: string[] = []
  const text = document.replace(/<(style|script)>[^]*?<\/\1>/g, '')
  for (const [, slash, name, attributes] of text.matchAll(/<(\/?)([a-zA-Z][\w-]*)((?:[^>"]|"[^"]*")*)>/g)) {
    if (slash === '/') {
      const last = open.pop()
      if (last !== name) problems.push(`</${name}> closes <${last ?? 'nothing'}>`)
    } else if (!attributes.endsWith('/') && !VOID_ELEMENTS.has(name)) open.push(name)
  }
  return [...problems, ...open.map((name) => `<${name}> stays open`)]
}

function hostileReport(): ReportInput {
  const input = sampleReport({
    models: [`a${HOSTILE}`, 'b'],
    policies: ['weighted-max-min', 'static'],
    rows: 20,
  })
  return {
    ...input,
    title: HOSTILE,
    subtitle: HOSTILE,
    facts: [{ label: HOSTILE, value: HOSTILE }],
    command: HOSTILE,
    runs: input.runs.map((run) => ({
      ...run,
      notes: [HOSTILE],
      preemptions: {
        names: run.preemptions.names.map((name) => HOSTILE + name),
        bundles: run.preemptions.bundles,
      },
    })),
  }
}

describe('markup', () => {
  it('escapes text in content and in attributes, and takes markup as it is', () => {
    expect(markup`<a title="${'"x"'}">${'<b>'}${markup`<i>${1}</i>`}${['&', null, undefined]}</a>`.text).toBe(
      '<a title="&quot;x&quot;">&lt;b&gt;<i>1</i>&amp;</a>',
    )
  })

  it('replaces characters that XML forbids', () => {
    expect(escapeText('a\u0000b\u001fc\td\n')).toBe('a\ufffdb\ufffdc\td\n')
  })
})

describe('the HTML report', () => {
  const html = renderHtml(sampleReport())

  it('is well formed', () => {
    expect(unbalanced(html)).toEqual([])
    expect(html).not.toMatch(/NaN|undefined|Infinity|\[object/)
  })

  it('needs nothing from outside', () => {
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
      /https?:|\bsrc=|@import|<link|url\(/,
    )
  })

  it('knows dark screens and paper', () => {
    expect(html).toContain('prefers-color-scheme:dark')
    expect(html).toContain('@media print')
  })

  it('stays below two megabytes for four policies and three models, however long the run', () => {
    const long = renderHtml(sampleReport({ rows: 20_000 }))
    expect(long.length).toBeLessThan(2_000_000)
    expect(long.length).toBeLessThan(html.length * 1.5)
  })

  it('is the same for the same input', () => {
    expect(renderHtml(sampleReport())).toBe(html)
  })

  it('has a section for each policy, and for one run no comparison', () => {
    expect([...html.matchAll(/<details/g)]).toHaveLength(4)
    const single = renderHtml(sampleReport({ policies: ['static'], rows: 50 }))
    expect(single).toContain('<h2>The run</h2>')
    expect(single).not.toContain('Who wins')
  })

  it('lets no name become a tag', () => {
    const hostile = renderHtml(hostileReport())
    expect(unbalanced(hostile)).toEqual([])
    expect(hostile).not.toMatch(/<img/i)
    expect(hostile).toContain('&lt;img')
  })

  it('shows a run in which nothing happened', () => {
    const input = sampleReport({ policies: ['static'], rows: 20 })
    const [run] = input.runs
    const zeros = run.series.timeUs.map(() => 0)
    const quiet = {
      ...run,
      cdfs: run.cdfs.map(({ model }) => ({ model, ttft: [], e2e: [], queue: [] })),
      series: {
        ...run.series,
        models: run.series.models.map(({ model }) => ({
          model,
          budgetTokensPerS: zeros,
          leasedBundles: zeros,
          usedBundles: zeros,
          queueLength: zeros,
          running: zeros,
        })),
      },
    }
    const empty = { ...quiet, series: { timeUs: [], endUs: 0, models: [], pools: [] } }
    for (const nothing of [quiet, empty]) {
      const page = renderHtml({ ...input, runs: [nothing] })
      expect(unbalanced(page)).toEqual([])
      expect(page).not.toMatch(/NaN|Infinity/)
      expect(page).toContain('no finished requests')
    }
  })

  it('refuses an input without runs', () => {
    expect(() => renderHtml({ ...sampleReport(), runs: [] })).toThrow('at least one run')
  })

  it('carries values for the pointer that are valid JSON', () => {
    const data = [...html.matchAll(/data-hover="([^"]*)"/g)].map(([, escaped]) =>
      escaped.replaceAll('&quot;', '"'),
    )
    expect(data.length).toBeGreaterThan(20)
    for (const json of data) expect(Object.keys(JSON.parse(json) as object)).toContain('lines')
  })
})

describe('plot files', () => {
  const input = sampleReport({ policies: ['weighted-max-min', 'static'], rows: 30 })

  it('are well-formed SVG of their own, with unique names', () => {
    const files = renderPlotFiles(input)
    expect(new Set(files.map((file) => file.name)).size).toBe(files.length)
    for (const { name, svg } of files) {
      expect(name).toMatch(/^[\w-]+\.svg$/)
      expect(svg.startsWith('<svg ')).toBe(true)
      expect(svg).toContain('<style>')
      expect(unbalanced(svg)).toEqual([])
    }
  })

  it('are just those that the Markdown report refers to', () => {
    const report = renderMarkdown(input, { plotFolder: 'plots' })
    const referred = [...report.matchAll(/\]\(plots\/([^)]*)\)/g)].map(([, name]) => name)
    expect(new Set(referred)).toEqual(new Set(renderPlotFiles(input).map((file) => file.name)))
  })
})

describe('the Markdown report', () => {
  const tableLines = (text: string) => text.split('\n').filter((line) => line.startsWith('|'))
  const columnsOf = (line: string) => line.replaceAll('\\|', '').split('|').length

  it('has tables whose rows have as many cells as their header, whatever the names', () => {
    for (const input of [sampleReport({ rows: 30 }), hostileReport()]) {
      let columns = 0
      let last = ''
      for (const line of renderMarkdown(input).split('\n')) {
        if (!line.startsWith('|')) columns = 0
        else if (columns === 0) columns = columnsOf(line)
        else expect(columnsOf(line), `${last}\n${line}`).toBe(columns)
        last = line
      }
    }
  })

  it('shows the best value of a row in bold', () => {
    const rows = tableLines(renderMarkdown(sampleReport({ rows: 30 })))
    expect(rows.find((row) => row.includes('TTFT p99 |'))).toMatch(/\*\*[\d.]+ m?s\*\*/)
  })

  it('lets no name become markup', () => {
    const report = renderMarkdown(hostileReport())
    expect(report).not.toMatch(/^# {2,}$/m)
    expect(
      report
        .split('\n')
        .filter((line) => /[^\\]<img/.test(line) && !line.startsWith('  ') && !line.includes('`')),
    ).toEqual([])
  })

  it('draws series in block letters that share a scale', () => {
    expect(sparkline([0, 1, 2, 4], 60)).toBe('▁▃▅█')
    expect(sparkline([1, 1], 60, 4)).toBe('▃▃')
    expect(sparkline(Array.from({ length: 1_000 }, () => 0))).toMatch(/^▁{50,60}$/)
  })
})
