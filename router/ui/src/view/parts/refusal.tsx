import type { Refusal } from '../../model/answers.ts'

/** What the cluster refused, in its own words. It stays until it is read. */
export function RefusalNote({ refusal }: { refusal: Refusal }) {
  return (
    <div className="note note-bad" role="alert">
      <p>{refusal.message}</p>
      {refusal.details.length > 0 && (
        <ul>
          {refusal.details.map(({ path, text }) => (
            <li key={`${path} ${text}`}>
              {path && <code>{path}</code>} {text}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
