/** Parameters that stay as they are, by name. */

/** A test of names against patterns, in which `*` stands for anything, dots included; all else is literal. */
export function frozenBy(patterns: readonly string[]): (name: string) => boolean {
  const tests = patterns.map((pattern) => {
    const literal = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${literal.join('.*')}$`);
  });
  return (name) => tests.some((test) => test.test(name));
}
