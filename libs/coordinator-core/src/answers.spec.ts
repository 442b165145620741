import { describe, expect, it } from 'vitest'
import { ANSWER_KEPT_US, Answers } from './answers.js'

describe('Answers', () => {
  const answer = (id: string, atUs: number) => ({
    engine: 'a',
    outcome: { kind: 'granted', id, bundles: 1 } as const,
    atUs,
  })

  it('keeps an answer for ten minutes, and longer until it was read', () => {
    const answers = new Answers()
    answers.remember(answer('read', 0))
    answers.remember(answer('unread', 1))
    answers.remember(answer('young', 2))
    const isRead = ({ outcome }: { readonly outcome: { readonly id: string } }) => outcome.id !== 'unread'
    const left = () => ['read', 'unread', 'young'].filter((id) => answers.find(id))
    answers.forget(ANSWER_KEPT_US - 1, isRead)
    expect(left()).toEqual(['read', 'unread', 'young'])
    answers.forget(ANSWER_KEPT_US + 1, isRead)
    expect(left()).toEqual(['unread', 'young'])
    answers.forget(ANSWER_KEPT_US + 2, () => true)
    expect(left()).toEqual([])
  })
})
