/** When things are done that are done every so many steps. */

/** At every `every`th step, or at the first end of `together` steps that go together behind that. */
export function isDue(step: number, every: number, together: number): boolean {
  const passed = (at: number) => Math.floor(at / every);
  return step % together === 0 && (step === 0 || passed(step) > passed(step - together));
}
