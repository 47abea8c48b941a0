import { useEffect, useState } from 'react'
import { clockTime, duration } from '../model/format.ts'
import { type Freshness, freshnessOf } from '../model/freshness.ts'
import { useClock, useConnection, useStore } from './context.tsx'
import { Status } from './parts/status.tsx'

/** Whose cluster this is, who leads it, and how fresh all of it is. */
export function Header() {
  return (
    <>
      <header className="header">
        <TopLine />
      </header>
      <Banner />
    </>
  )
}

function TopLine() {
  const cluster = useStore('cluster').get('cluster', 'cluster')
  const leader = cluster?.leader_info
  return (
    <>
      <a className="brand" href="#/overview">
        <svg viewBox="0 0 20 16" width="20" height="16" aria-hidden="true">
          <path d="M0 15 5 3h10l5 12z" fill="currentColor" />
        </svg>
        Meseta
      </a>
      {cluster?.name && <span className="cluster-name">{cluster.name}</span>}
      {leader?.hostname && (
        <span className="leader quiet">
          leader {leader.hostname}
          {leader.port ? `:${leader.port}` : ''}
        </span>
      )}
      <FreshnessMark />
      <Theme />
    </>
  )
}

function useFreshness(): Freshness {
  const connection = useConnection()
  return freshnessOf(connection, useStore('source').all('source'))
}

function FreshnessMark() {
  const { mark, word } = useFreshness()
  return (
    <span className="freshness" role="status">
      <Status mark={mark}>{word}</Status>
    </span>
  )
}

/** What is old, since when and why; nothing while all is live. */
function Banner() {
  const { mark, word, detail, since } = useFreshness()
  if (mark !== 'bad' && mark !== 'warn') return null
  return (
    <aside className="banner" aria-label="How old this is">
      <Status mark={mark}>{word}</Status> since {clockTime(since)} (<Length since={since} />
      ): {detail}
    </aside>
  )
}

function Length({ since }: { since: number }) {
  return <>{useClock(now => duration(now - since))}</>
}

type ThemeName = 'system' | 'light' | 'dark'

/** Light or dark as the system says, or as a person chose here before. */
function Theme() {
  const [theme, setTheme] = useState<ThemeName>(readTheme)
  useEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme
    keepTheme(theme)
    dispatchEvent(new Event('themechange'))
  }, [theme])
  return (
    <select
      className="theme"
      aria-label="Theme"
      value={theme}
      onChange={event => setTheme(event.target.value as ThemeName)}
    >
      <option value="system">System</option>
      <option value="light">Light</option>
      <option value="dark">Dark</option>
    </select>
  )
}

/** Storage may be refused to a page; then nothing is remembered. */
function readTheme(): ThemeName {
  try {
    const kept = localStorage.getItem('meseta.theme')
    return kept === 'light' || kept === 'dark' ? kept : 'system'
  } catch {
    return 'system'
  }
}

function keepTheme(theme: ThemeName): void {
  try {
    localStorage.setItem('meseta.theme', theme)
  } catch {
    // It holds for this visit.
  }
}
