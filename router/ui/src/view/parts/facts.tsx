import { Fragment, type ReactNode } from 'react'

/** Names and values; what is empty is left out. */
export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {facts
        .filter(([, value]) => value !== undefined && value !== null && value !== false && value !== '')
        .map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
    </dl>
  )
}

/** A page of the cluster's services shares our origin: it gets a window of its own that does not know this one. */
export function ServiceLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <a href={href} target="_blank" rel="noopener noreferrer" className="service-link">
      {children}
      <span aria-hidden="true"> ↗</span>
      <span className="only-heard"> (opens in a new tab)</span>
    </a>
  )
}
