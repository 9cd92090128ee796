/** The settings of a run as the OpenAPI document describes them: what the form's fields say, allow and begin with. */

export interface Setting {
  description?: string;
  type?: string;
  default?: unknown;
  enum?: readonly string[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  properties?: Record<string, Setting>;
}

interface Document {
  paths: Record<string, { post: { requestBody: { content: { 'application/json': { schema: Setting } } } } }>;
}

/** The schema of `settings` in the body of POST /v1/runs. */
export async function settingsSchema(): Promise<Setting> {
  const document = (await (await fetch('/docs/json')).json()) as Document;
  const body = document.paths['/v1/runs']!.post.requestBody.content['application/json'].schema;
  return body.properties!.settings!;
}

/** "train.steps" of a schema. */
export const settingAt = (schema: Setting, path: string): Setting =>
  path.split('.').reduce((at, name) => at.properties![name]!, schema);

/** Values by path, as the nested settings that the API takes. */
export function nested(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    const names = path.split('.');
    const last = names.pop()!;
    const parent = names.reduce((at, name) => {
      at[name] ??= {};
      return at[name] as Record<string, unknown>;
    }, settings);
    parent[last] = value;
  }
  return settings;
}

/** `more` laid over `settings`, object by object. */
export function merged(
  settings: Record<string, unknown>,
  more: Record<string, unknown>,
): Record<string, unknown> {
  const result = { ...settings };
  for (const [name, value] of Object.entries(more)) {
    const own = result[name];
    result[name] = isObject(own) && isObject(value) ? merged(own, value) : value;
  }
  return result;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
