import { type ReactNode, useEffect, useId, useRef } from 'react'

interface DialogProps {
  readonly title: string
  readonly close: () => void
  readonly children: ReactNode
  readonly wide?: boolean
}

/** A window over the page: the browser keeps the focus inside, Escape closes it, and the focus returns where it was. */
export function Dialog({ title, close, children, wide = false }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    const dialog = element.current
    if (dialog && !dialog.open) {
      dialog.showModal()
      // To what is filled in, where there is something; else to the first button.
      const field = dialog.querySelector<HTMLInputElement | HTMLTextAreaElement>('input, textarea')
      field?.focus()
      if (field instanceof HTMLInputElement) field.select()
    }
    return () => dialog?.close()
  }, [])
  return (
    <dialog ref={element} className={wide ? 'dialog dialog-wide' : 'dialog'} aria-labelledby={heading} onClose={close}>
      <header className="dialog-head">
        <h2 id={heading}>{title}</h2>
        <button type="button" className="plain" onClick={close} aria-label="Close">
          ✕
        </button>
      </header>
      {children}
    </dialog>
  )
}
