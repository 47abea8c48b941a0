import type { ReactNode } from 'react'
import { isStale, sourceName } from '../../model/freshness.ts'
import { useConnection, useStore } from '../context.tsx'

interface SectionProps {
  readonly title: string
  /** Who tells what is shown here: when it is lost, the content is greyed. */
  readonly source?: 'master' | 'marathon' | 'universe' | 'balancer'
  readonly aside?: ReactNode
  readonly children: ReactNode
  /** The page's own heading says it already. */
  readonly plain?: boolean
}

/** A titled part of a page. Where nothing was ever heard of its source it says so, and never that there is nothing. */
export function Section({ title, source, aside, children, plain = false }: SectionProps) {
  const connection = useConnection()
  const told = useStore('source').get('source', source ?? '')
  const unknown = told?.known === false
  const stale = !unknown && isStale(connection, told)
  return (
    <section className="section" aria-label={title}>
      <div className={plain && !stale && !aside ? 'only-heard' : 'section-head'}>
        <h2 className={plain ? 'only-heard' : undefined}>{title}</h2>
        {stale && <span className="stale-word">last known state</span>}
        {aside && <div className="section-aside">{aside}</div>}
      </div>
      {unknown ? (
        <p className="empty">Nothing is known yet: the router does not hear {sourceName(told.name)}.</p>
      ) : (
        <div className={stale ? 'stale' : undefined}>{children}</div>
      )}
    </section>
  )
}
