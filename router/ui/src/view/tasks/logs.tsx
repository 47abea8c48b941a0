import { useEffect, useRef, useState } from 'react'
import { LogFile, sandboxFile } from '../../act/files.ts'
import { refusalOf } from '../../act/request.ts'
import type { Task } from '../../model/objects.ts'
import { Section } from '../parts/section.tsx'

/** Where a log is followed, it is looked at so often, ms: the agent's files have no stream. */
const followInterval = 1_000
/** Characters kept on the page: what is new takes the place of the beginning, and no more of it is loaded. */
const mostText = 1_000_000

/** What a task wrote, from the end. Nothing is read until it is opened, and again only when asked to. */
export function Logs({ task, live }: { task: Task; live: boolean }) {
  const [open, setOpen] = useState<'stdout' | 'stderr'>()
  return (
    <Section
      title="Logs"
      source="master"
      aside={
        <div className="buttons">
          {(['stdout', 'stderr'] as const).map(file => (
            <button key={file} type="button" aria-pressed={open === file} onClick={() => setOpen(file)}>
              {file}
            </button>
          ))}
        </div>
      }
    >
      {open ? (
        <LogView key={open} task={task} file={open} live={live} />
      ) : (
        <p className="quiet">Choose a file to read its end.</p>
      )}
    </Section>
  )
}

function LogView({ task, file, live }: { task: Task; file: 'stdout' | 'stderr'; live: boolean }) {
  const [log] = useState(() => new LogFile(sandboxFile(task, file)))
  const [text, setText] = useState<string>()
  const [problem, setProblem] = useState('')
  const [follow, setFollow] = useState(false)
  const view = useRef<HTMLElement>(null)
  const toEnd = useRef(true)

  const reading = useRef(false)
  const attempt = async (read: () => Promise<(before: string) => string>) => {
    if (reading.current) return
    reading.current = true
    try {
      const change = await read()
      setText(before => change(before ?? '').slice(-mostText))
      setProblem('')
    } catch (error) {
      setProblem(refusalOf(error).message)
    } finally {
      reading.current = false
    }
  }
  const more = () =>
    attempt(async () => {
      const added = await log.more()
      return before => before + added
    })
  const earlier = () => {
    toEnd.current = false
    return attempt(async () => {
      const added = await log.earlier()
      return before => added + before
    })
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the file is opened
  useEffect(() => {
    void attempt(async () => {
      const end = await log.tail()
      return () => end
    })
  }, [log])

  // biome-ignore lint/correctness/useExhaustiveDependencies: `more` reads the same file each time
  useEffect(() => {
    if (!follow) return
    const look = () => {
      if (document.visibilityState !== 'hidden') void more()
    }
    // A task that has ended writes no more: its last words are read, and then nothing is asked.
    if (!live) return look()
    const timer = setInterval(look, followInterval)
    return () => clearInterval(timer)
  }, [follow, live])

  // biome-ignore lint/correctness/useExhaustiveDependencies: new text is the reason to scroll
  useEffect(() => {
    if (toEnd.current && view.current) view.current.scrollTop = view.current.scrollHeight
  }, [text])

  return (
    <div className="log">
      <div className="log-bar">
        <button
          type="button"
          disabled={!log.hasEarlier || (text?.length ?? 0) >= mostText}
          onClick={() => void earlier()}
        >
          Load earlier
        </button>
        <button type="button" onClick={() => void more()}>
          Look for more
        </button>
        {live && (
          <label className="check">
            <input type="checkbox" checked={follow} onChange={event => setFollow(event.target.checked)} />
            Follow
          </label>
        )}
      </div>
      {problem && (
        <p className="note note-bad" role="alert">
          {problem}
        </p>
      )}
      <section
        ref={view}
        className="text log-text"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
        tabIndex={0}
        aria-label={`${file} of ${task.id}`}
        onScroll={({ currentTarget: at }) => {
          toEnd.current = at.scrollHeight - at.scrollTop - at.clientHeight < 30
        }}
      >
        <pre>{text === undefined ? 'Reading …' : text === '' ? '(nothing was written)' : text}</pre>
      </section>
    </div>
  )
}
