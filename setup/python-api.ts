/**
 * The OpenAPI document as one Python module: a TypedDict for every object, a method for every route. Pure.
 *
 * A method is called by what it asks for: GET /v1/runs/{id}/telemetry is `get_run_telemetry(run)`. A class is called by
 * the route that has it first; equal objects are one class.
 */

interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
}
interface Parameter {
  in: string;
  name: string;
  required?: boolean;
  description?: string;
  schema: Schema;
}
type Content = Record<string, { schema?: Schema }>;
interface Operation {
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
}
export interface Document {
  paths: Record<string, Record<string, Operation>>;
}

interface Route {
  path: string;
  method: string;
  operation: Operation;
}

const METHODS = ['get', 'post', 'put', 'delete'];
/** Routes of the API proper; pages and probes are no calls of a client. */
const PREFIX = '/v1/';

export function pythonApi({ paths }: Document): string {
  const routes = Object.entries(paths)
    .filter(([path]) => path.startsWith(PREFIX))
    .flatMap(([path, methods]) =>
      METHODS.filter((method) => methods[method]).map(
        (method): Route => ({ path, method, operation: methods[method]! }),
      ),
    );
  const classes = openClasses();
  // Things before lists of them and what is done with them, so that a thing gives its class the name.
  for (const route of [...routes].sort((a, b) => rank(a) - rank(b))) {
    const answer = jsonOf(answerOf(route.operation));
    if (answer) classes.typeOf(answer, resourceName(route));
  }
  const methods = routes.map((route) => methodText(route, classes));
  return [HEADER, ...classes.texts(), API_HEAD, methods.join('\n\n'), ''].join('\n');
}

const HEADER = `"""The HTTP API of Diptych, route by route. Written by \`npm run clients\`; not by hand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import IO, Any, Literal, NotRequired, TypedDict, Union, cast
from urllib.parse import quote

import httpx

Content = Union[str, bytes, Iterable[bytes], IO[bytes]]
`;
const API_HEAD = `
class Api(ABC):
    """Calls of the service, one a route. Each raises ApiError for what the service refuses."""

    @abstractmethod
    def request(
        self, method: str, path: str, *, params: dict[str, Any] | None = None, json: Any = None, content: Content | None = None
    ) -> httpx.Response: ...
`;

const jsonOf = (content: Content | undefined) => content?.['application/json']?.schema;
const answerOf = ({ responses }: Operation) => (responses[200] ?? responses[201])?.content;

/** GET of one thing, then of a list, then all else. */
const rank = ({ path, method }: Route) => (method !== 'get' ? 2 : path.endsWith('}') ? 0 : 1);

const isParameter = (segment: string) => segment.startsWith('{');
const segmentsOf = (path: string) => path.slice(PREFIX.length).split('/');
const words = (text: string) =>
  text
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean);
const snake = (text: string) => words(text).join('_').toLowerCase();
const pascal = (text: string) =>
  words(text)
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join('');
const singular = (text: string) => text.replace(/ies$/, 'y').replace(/s$/, '');

/** Fixed segments; one of a list that a parameter chooses from is singular. */
const namesOf = (path: string): string[] =>
  segmentsOf(path).flatMap((segment, i, all) =>
    isParameter(segment) ? [] : [all[i + 1] && isParameter(all[i + 1]!) ? singular(segment) : segment],
  );

const methodName = ({ path, method }: Route) => snake([method, ...namesOf(path)].join(' '));
const resourceName = ({ path, method }: Route) => {
  const name = pascal(namesOf(path).join(' '));
  return method === 'get' ? name : `${pascal(method)}${name}`;
};

interface Classes {
  /** The annotation of a schema, making classes of the objects in it. */
  typeOf(schema: Schema, name: string): string;
  texts(): string[];
}

function openClasses(): Classes {
  const byShape = new Map<string, string>();
  const texts = new Map<string, string>();
  function typeOf(schema: Schema, name: string): string {
    if (schema.enum) return `Literal[${schema.enum.map(literal).join(', ')}]`;
    if (schema.anyOf) {
      const parts = [
        ...new Set(schema.anyOf.map((part, i) => typeOf(part, i === 0 ? name : `${name}${i + 1}`))),
      ];
      return parts.length === 1 ? parts[0]! : `Union[${parts.join(', ')}]`;
    }
    if (schema.type === 'array') return `list[${typeOf(schema.items ?? {}, singular(name))}]`;
    if (schema.type !== 'object') return PLAIN[schema.type ?? ''] ?? 'Any';
    if (schema.properties && Object.keys(schema.properties).length > 0) return classOf(schema, name);
    const values = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {};
    return `dict[str, ${typeOf(values, `${name}Value`)}]`;
  }
  function classOf(schema: Schema, wanted: string): string {
    const shape = JSON.stringify(schema);
    const known = byShape.get(shape);
    if (known) return known;
    let name = wanted;
    for (let n = 2; texts.has(name); n++) name = `${wanted}${n}`;
    byShape.set(shape, name);
    // In place now, so that a class stands before those inside it.
    texts.set(name, '');
    const fields = Object.entries(schema.properties!).map(([field, inner]) => {
      const type = typeOf(inner, field === 'items' ? nameOfItems(name) : `${name}${pascal(field)}`);
      return { field, type: schema.required?.includes(field) ? type : `NotRequired[${type}]`, inner };
    });
    texts.set(name, classText(name, schema, fields));
    return name;
  }
  return { typeOf, texts: () => [...texts.values()] };
}

/** A list has its name of what it lists, where that is a plural; `typeOf` takes the singular. */
const nameOfItems = (list: string) => (singular(list) === list ? `${list}Items` : list);

const PLAIN: Record<string, string> = {
  string: 'str',
  integer: 'int',
  number: 'float',
  boolean: 'bool',
  null: 'None',
};
const literal = (value: unknown) => (value === null ? 'None' : JSON.stringify(value));
const isName = (text: string) =>
  /^[A-Za-z_]\w*$/.test(text) && !['from', 'as', 'class', 'None'].includes(text);

function classText(
  name: string,
  { description }: Schema,
  fields: { field: string; type: string; inner: Schema }[],
): string {
  const about = description ? [`    """${sentence(description)}"""`, ''] : [];
  if (fields.every(({ field }) => isName(field))) {
    const lines = fields.flatMap(({ field, type, inner }) => [
      ...(told(inner) ? [`    # ${told(inner)}`] : []),
      `    ${field}: ${type}`,
    ]);
    return ['', `class ${name}(TypedDict):`, ...about, ...lines, ''].join('\n');
  }
  const pairs = fields.map(({ field, type }) => `    ${JSON.stringify(field)}: ${JSON.stringify(type)},`);
  return ['', `${name} = TypedDict(${JSON.stringify(name)}, {`, ...pairs, '})', ''].join('\n');
}

const sentence = (text: string) =>
  text.replaceAll(/\s+/g, ' ').replaceAll('\\', '\\\\').replaceAll('"""', "'''");
/** What is said of a field: its description and default. */
const told = ({ description, default: otherwise }: Schema) =>
  [
    ...(description ? [sentence(description)] : []),
    ...(otherwise !== undefined && typeof otherwise !== 'object'
      ? [`default ${JSON.stringify(otherwise)}`]
      : []),
  ].join('; ');

function methodText(route: Route, classes: Classes): string {
  const { path, method, operation } = route;
  const { parameters = [], requestBody } = operation;
  const name = methodName(route);
  const pathNames = pathParameters(path);
  const query = parameters.filter((one) => one.in === 'query');
  const body = jsonOf(requestBody?.content);
  // What the document has no schema for is a stream.
  const isStream = body === undefined && ['post', 'put'].includes(method) && !isAction(path);
  const queryType = ({ name: own, schema }: Parameter) => classes.typeOf(schema, pascal(`${name} ${own}`));
  const signature = [
    'self',
    ...pathNames.map(({ argument }) => `${argument}: str`),
    ...(body ? [`body: ${classes.typeOf(body, `${resourceName(route).replace(/^Post/, '')}Request`)}`] : []),
    ...(isStream ? ['content: Content'] : []),
    ...(query.length > 0 ? ['*'] : []),
    ...query.map((one) =>
      one.required
        ? `${snake(one.name)}: ${queryType(one)}`
        : `${snake(one.name)}: ${queryType(one)} | None = None`,
    ),
  ];
  const answer = jsonOf(answerOf(operation));
  const answerType = answer ? classes.typeOf(answer, resourceName(route)) : null;
  const isEmpty = !answer && operation.responses[204] !== undefined;
  const params = query.map(({ name: own }) => `${JSON.stringify(own)}: ${snake(own)}`);
  const asked = [
    `"${method.toUpperCase()}"`,
    `f"${pathNames.reduce((text, { segment, argument }) => text.replace(segment, `{quote(${argument}, safe='${segment === '{*}' ? '/' : ''}')}`), path)}"`,
    ...(params.length > 0 ? [`params={${params.join(', ')}}`] : []),
    ...(body ? ['json=body'] : []),
    ...(isStream ? ['content=content'] : []),
  ];
  const call = `self.request(${asked.join(', ')})`;
  const told = [operation.summary, operation.description]
    .filter(Boolean)
    .map((text) => sentence(text!).replace(/\.?$/, '.'));
  const returned = answerType ?? (isEmpty ? 'None' : 'httpx.Response');
  return [
    `    def ${name}(${signature.join(', ')}) -> ${returned}:`,
    `        """${[...told, `${method.toUpperCase()} ${path}`].join(' ')}"""`,
    answerType
      ? `        return cast(${answerType}, ${call}.json())`
      : isEmpty
        ? `        ${call}`
        : `        return ${call}`,
  ].join('\n');
}

/** POST that sends nothing: its last segment is a verb below one thing. */
const isAction = (path: string) => {
  const [before, last] = segmentsOf(path).slice(-2);
  return before !== undefined && isParameter(before) && !last!.endsWith('s') && !isParameter(last!);
};

/** The parameters of a path, each called by what it chooses from. */
function pathParameters(path: string): { segment: string; argument: string }[] {
  const segments = segmentsOf(path);
  return segments.flatMap((segment, i) => {
    if (!isParameter(segment)) return [];
    const before = segments[i - 1]!;
    const own = segment.slice(1, -1);
    return [
      { segment, argument: own === '*' ? 'file' : own === 'id' ? snake(singular(before)) : snake(own) },
    ];
  });
}
