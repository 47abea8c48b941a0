/** Whether a person sits at a terminal that can draw a screen: nothing is drawn in a pipe, a log or a build. */
export const canDraw = (): boolean =>
  process.stdout.isTTY === true && process.stdin.isTTY === true && process.env.TERM !== 'dumb' && !process.env.CI
