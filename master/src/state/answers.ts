import type { Cluster } from './cluster.ts'
import { endStream } from './frameworks/framework-end.ts'
import type { Question } from './questions.ts'
import type { Framework } from './records.ts'

/** Answers given at once; the rest follows as the stream drains. Some 40 kB, where no executor says more than usual. */
const portion = 100
/** Names that a framework has asked about and not been answered yet. At the bound its stream ends: it subscribes again, and asks anew. */
const maxNames = 1_000_000

/** Answers a question once those before it are answered, no faster than the framework reads. */
export function ask(cluster: Cluster, framework: Framework, question: Question): void {
  const { questions } = framework
  // All that wait for the same are answered as one.
  if (question.names === undefined && questions.hasAllWaiting) return
  if (questions.names > maxNames) {
    const detail = `${questions.names} names wait for an answer, and the framework does not read`
    cluster.note({ code: 'TOO_MANY_QUESTIONS', frameworkId: framework.id, detail })
    endStream(cluster, framework)
    return
  }
  const isFirst = questions.first === undefined
  questions.add(question)
  if (isFirst) answerMore(cluster, framework)
}

/** Gives the next portion of answers, and asks to be told when the stream has taken it. */
export function answerMore(cluster: Cluster, framework: Framework): void {
  const { questions, streamId } = framework
  for (let given = 0; given < portion && questions.first; ) {
    const { done, value } = questions.first.answers.next()
    if (done) questions.done()
    else given++
    if (value) cluster.tell(framework, value)
  }
  if (questions.first) cluster.do({ type: 'MORE_FOLLOWS', streamId: streamId! })
}
