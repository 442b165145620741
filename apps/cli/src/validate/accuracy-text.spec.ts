import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { writeServingTable } from './accuracy-document.js'
import { accuracyMarkdown, accuracyText } from './accuracy-text.js'
import { MeasuredFolder } from './measured-folder.js'
import { type Bar, isMissed, missesCeiling, setReport } from './serving-accuracy.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-validate-'))
afterAll(() => rmSync(folder, { recursive: true }))

function report(bar: Bar | undefined, predicted: readonly number[]) {
  return setReport(
    { set: 'a set', quantity: 'TPOT', basis: 'held-out', note: 'the GPU', bar },
    predicted.map((predictedUs, i) => ({ measuredUs: 100, predictedUs, at: () => `point ${i}` })),
  )
}

describe('accuracy of a set', () => {
  it('is judged by the statistic its bar names', () => {
    const points = [101, 102, 130]
    expect(report({ kind: 'ceiling', of: 'median', at: 0.025 }, points).map(isMissed)).toEqual([false])
    expect(report({ kind: 'ceiling', of: 'mean', at: 0.1 }, points).map(isMissed)).toEqual([true])
    expect(report({ kind: 'aim', of: 'worst', at: 0.35 }, points).map(isMissed)).toEqual([false])
    expect(report(undefined, points).map(isMissed)).toEqual([false])
  })

  it('fails a run by its ceilings, not by its aims', () => {
    const missed = [130]
    expect(report({ kind: 'aim', of: 'mean', at: 0.1 }, missed).map(missesCeiling)).toEqual([false])
    expect(report({ kind: 'ceiling', of: 'mean', at: 0.1 }, missed).map(missesCeiling)).toEqual([true])
  })

  it('is nothing where nothing was measured', () => {
    expect(report(undefined, [])).toEqual([])
  })

  it('is printed with its worst point and what is missed', () => {
    const text = accuracyText(report({ kind: 'ceiling', of: 'mean', at: 0.1 }, [101, 130]))
    expect(text).toContain('held out: the GPU')
    expect(text).toContain('MISSED')
    expect(text).toContain('a set, TPOT: point 1')
    expect(text).toContain('0 of 1 ceilings kept, 0 of 0 aims reached')
  })

  it('goes between the marks of a document', () => {
    const path = join(folder, 'accuracy.md')
    writeFileSync(path, '# A\n\n<!-- serving -->\nold\n<!-- /serving -->\n\nafter\n')
    const reports = report({ kind: 'aim', of: 'mean', at: 0.1 }, [101])
    writeServingTable(path, reports)
    writeServingTable(path, reports)
    expect(readFileSync(path, 'utf8')).toBe(
      `# A\n\n<!-- serving -->\n${accuracyMarkdown(reports)}\n<!-- /serving -->\n\nafter\n`,
    )
    writeFileSync(path, '# no marks\n')
    expect(() => writeServingTable(path, reports)).toThrow('it has no lines <!-- serving -->')
  })
})

describe('the folder of measurements', () => {
  it('is refused by name when it is missing or empty', () => {
    expect(() => new MeasuredFolder(join(folder, 'nowhere'))).toThrow('there is no such folder')
    expect(() => new MeasuredFolder(folder)).toThrow('it has no measured tables')
  })
})
