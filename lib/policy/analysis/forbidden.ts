import { isAlways, named } from './checked-rule.ts'
import { type Analysis, about } from './draft.ts'

/** What is granted, and forbidden on the whole path of the grant. */
export const forbidden: Analysis = (book) =>
  book.rules.flatMap((rule) => {
    if (rule.effect !== 'allow' || rule.asked.length === 0) return []
    const forbids = book.forbidding(rule).filter((other) => isAlways(other) && book.binds(other, rule))
    const dead = rule.asked.filter((operation) => forbids.some(({ asked }) => asked.includes(operation)))
    const [forbid] = forbids.filter(({ asked }) => asked.some((operation) => dead.includes(operation)))
    // A guardrail takes its share of "everything" as it is meant to.
    const isMeant = rule.operations.has('*') && dead.length < rule.asked.length
    if (forbid === undefined || isMeant) return []
    const all = dead.length === rule.asked.length
    const what = all ? 'it grants nothing' : `it grants no ${dead.join(', ')}`
    const message = `${what}: ${named(forbid)} forbids all of its path; take that out, or narrow what is forbidden`
    return [about(rule, 'forbidden', message, ...(all ? [] : ['operations']))]
  })
