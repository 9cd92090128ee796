/** Hides secrets in text that is logged, stored or answered, wherever it comes from. */

/** Variables of the environment whose values are secret. */
const SECRET_VARIABLES = [
  'DIPTYCH_GENERATOR_API_KEY',
  'DIPTYCH_GENERATOR_USER',
  'DIPTYCH_VISION_API_KEY',
  'DIPTYCH_API_KEY',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
];
/** Shorter values are words: hiding them would black out ordinary text. */
const SHORTEST = 6;
/** Keys to this service's own API, its sessions' cookies and its webhooks' secrets. */
const OWN = /diptych_[\w-]{43}/g;

/** The text with `***` in the place of every secret, also as it stands in JSON and in URLs. */
export function withoutSecrets(text: string, environment: NodeJS.ProcessEnv = process.env): string {
  const hidden = secretsOf(environment).reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  return hidden.replace(OWN, 'diptych_***');
}

function secretsOf(environment: NodeJS.ProcessEnv): string[] {
  const plain = SECRET_VARIABLES.map((name) => environment[name]?.trim());
  const { password } = URL.parse(environment.DATABASE_URL ?? '') ?? {};
  // "user:password": the password alone is a secret too.
  const user = environment.DIPTYCH_GENERATOR_USER?.trim();
  const all = [...plain, password && decodeURIComponent(password), user?.slice(user.indexOf(':') + 1)];
  return all
    .filter((secret) => secret !== undefined && secret.length >= SHORTEST)
    .flatMap((secret) => [secret!, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret!)])
    .sort((a, b) => b.length - a.length);
}
