import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Live } from './live/live.ts'
import { kinds } from './model/objects.ts'
import { LiveProvider } from './view/context.tsx'
import { Shell } from './view/shell.tsx'

const live = new Live()
live.start(`/meseta/v1/events?topics=${kinds}`, new AbortController().signal)
createRoot(document.getElementById('page')!).render(
  <StrictMode>
    <LiveProvider live={live}>
      <Shell />
    </LiveProvider>
  </StrictMode>,
)
