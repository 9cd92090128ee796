/** What clients/ has of the API is the API's. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { clientFiles } from '../../setup/clients.ts';
import { pythonApi } from '../../setup/python-api.ts';

test('types and methods are those of the OpenAPI document', async () => {
  const files = Object.entries(await clientFiles());
  assert.equal(files.length, 2);
  for (const [file, text] of files) {
    assert.ok(readFileSync(file, 'utf8') === text, `${path.basename(file)}: run \`npm run clients\``);
  }
});

test('Python: a route is a method, an object a class, equal objects one class', () => {
  const thing = {
    type: 'object',
    required: ['id'],
    properties: {
      id: { type: 'string', description: 'Its "name"' },
      size: { enum: [1, 2], default: 1 },
      parts: { type: 'array', items: { type: 'object', properties: { from: { type: 'null' } } } },
    },
  };
  const json = (schema: object) => ({ content: { 'application/json': { schema } } });
  const id = { in: 'path', name: 'id', required: true, schema: { type: 'string' } };
  const text = pythonApi({
    paths: {
      '/v1/things': {
        get: {
          parameters: [{ in: 'query', name: 'maxSize', schema: { type: 'integer' } }],
          responses: {
            200: json({ type: 'object', properties: { items: { type: 'array', items: thing } } }),
          },
        },
        post: { requestBody: json({ type: 'object', properties: {} }), responses: { 201: json(thing) } },
      },
      '/v1/things/{id}': {
        get: { parameters: [id], responses: { 200: json(thing) } },
        delete: { parameters: [id], responses: { 204: {} } },
      },
      '/v1/things/{id}/files/{*}': { put: { parameters: [id], responses: { 200: {} } } },
      '/v1/things/{id}/stop': {
        post: { summary: 'Stop it', parameters: [id], responses: { 200: json(thing) } },
      },
      '/healthz': { get: { responses: { 200: {} } } },
    },
  });
  for (const line of [
    'class Thing(TypedDict):\n    # Its "name"\n    id: str\n    # default 1\n    size: NotRequired[Literal[1, 2]]\n    parts: NotRequired[list[ThingPart]]\n',
    'ThingPart = TypedDict("ThingPart", {\n    "from": "NotRequired[None]",\n})',
    'class Things(TypedDict):\n    items: NotRequired[list[Thing]]\n',
    'def get_things(self, *, max_size: int | None = None) -> Things:',
    'self.request("GET", f"/v1/things", params={"maxSize": max_size}).json()',
    'def post_things(self, body: dict[str, Any]) -> Thing:',
    `def get_thing(self, thing: str) -> Thing:\n        """GET /v1/things/{id}"""\n        return cast(Thing, self.request("GET", f"/v1/things/{quote(thing, safe='')}").json())`,
    'def delete_thing(self, thing: str) -> None:',
    `def put_thing_file(self, thing: str, file: str, content: Content) -> httpx.Response:`,
    `{quote(file, safe='/')}`,
    'def post_thing_stop(self, thing: str) -> Thing:\n        """Stop it. POST /v1/things/{id}/stop"""',
  ])
    assert.ok(text.includes(line), `${line}\n\nis not in\n${text}`);
  assert.equal(text.match(/class Thing\(/g)!.length, 1);
  assert.ok(!text.includes('healthz'));
});
