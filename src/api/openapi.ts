/** Makes the OpenAPI document say of what is sent that everything with a default may be left out. */

interface Schema {
  default?: unknown;
  required?: string[];
  properties?: Record<string, Schema>;
  anyOf?: Schema[];
  items?: Schema;
}

interface Operation {
  parameters?: { required?: boolean; schema?: Schema }[];
  requestBody?: { content?: Record<string, { schema?: Schema }> };
}

/** Changes it in place. */
export function allowDefaults<Document extends { paths?: object }>(document: Document): Document {
  for (const methods of Object.values(document.paths ?? {}) as Record<string, Operation>[]) {
    for (const { parameters = [], requestBody } of Object.values(methods)) {
      for (const parameter of parameters) {
        if (parameter.schema?.default !== undefined) parameter.required = false;
      }
      for (const { schema } of Object.values(requestBody?.content ?? {})) if (schema) relax(schema);
    }
  }
  return document;
}

function relax(schema: Schema): void {
  const { properties = {}, required } = schema;
  if (required) schema.required = required.filter((name) => properties[name]?.default === undefined);
  if (schema.required?.length === 0) delete schema.required;
  for (const inner of [...Object.values(properties), ...(schema.anyOf ?? [])]) relax(inner);
  if (schema.items) relax(schema.items);
}
