import type { ReactNode } from 'react'
import { isStale } from '../../model/freshness.ts'
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

/** A titled part of a page. */
export function Section({ title, source, aside, children, plain = false }: SectionProps) {
  const stale = useStale(source)
  return (
    <section className="section" aria-label={title}>
      <div className={plain && !stale && !aside ? 'only-heard' : 'section-head'}>
        <h2 className={plain ? 'only-heard' : undefined}>{title}</h2>
        {stale && <span className="stale-word">last known state</span>}
        {aside && <div className="section-aside">{aside}</div>}
      </div>
      <div className={stale ? 'stale' : undefined}>{children}</div>
    </section>
  )
}

function useStale(source: string | undefined): boolean {
  const connection = useConnection()
  const store = useStore('source')
  return isStale(connection, source === undefined ? undefined : store.get('source', source))
}
