/**
 * A text of the cluster as it may stand on a terminal. Names, notes and messages come from tasks and packages: what would speak to
 * the terminal (titles, colours, a cleared screen) is shown as blanks; lines and tabs stay.
 */
export const visible = (text: string): string => text.replace(/[^\P{Cc}\n\t]+/gu, ' ')

/** The same as one line. */
export const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ')
