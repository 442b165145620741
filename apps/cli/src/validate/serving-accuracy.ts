import { type Accuracy, accuracyOf, type Prediction } from '@kvasir/hardware'

/** What a measured set is asked to keep; an aim may be missed, and then the reason is stated. */
export interface Bar {
  readonly kind: 'ceiling' | 'aim'
  readonly of: 'mean' | 'median' | 'worst'
  readonly at: number
}

/** How well one quantity of a measured set is predicted. */
export interface SetReport extends Accuracy {
  readonly set: string
  readonly quantity: string
  readonly basis: 'fitted' | 'held-out'
  /** Held out: what was kept from the fit. Fitted: what was fitted to it. */
  readonly note: string
  readonly bar?: Bar
}

export function setReport(
  about: Pick<SetReport, 'set' | 'quantity' | 'basis' | 'note'> & { readonly bar?: Bar | undefined },
  predictions: readonly Prediction[],
): readonly SetReport[] {
  if (predictions.length === 0) return []
  const { bar, ...rest } = about
  return [{ ...rest, ...accuracyOf(predictions), ...(bar === undefined ? {} : { bar }) }]
}

/** An aim that is missed is only said. */
export function missesCeiling(report: SetReport): boolean {
  return report.bar?.kind === 'ceiling' && isMissed(report)
}

export function isMissed(report: SetReport): boolean {
  const { bar, mape, median, worst } = report
  if (bar === undefined) return false
  return { mean: mape, median, worst: Math.abs(worst.error) }[bar.of] > bar.at
}
