/** Webhooks: who is told when a run has ended (docs/api.md). */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { DiptychError } from '../../errors.ts';
import { createWebhook, deleteWebhook, listDeliveries, listWebhooks } from '../../store/webhooks.ts';
import { ErrorAnswer, fromCursor, nextCursor, Paging, page } from '../schemas.ts';
import type { Services } from '../services.ts';

const WebhookId = Type.Object({ id: Type.String({ format: 'uuid', description: 'Webhook' }) });
const Webhook = {
  id: Type.String(),
  url: Type.String(),
  createdAt: Type.String({ format: 'date-time' }),
};
const nullable = (type: ReturnType<typeof Type.String>, description: string) =>
  Type.Union([type, Type.Null()], { description });
const Delivery = Type.Object({
  id: Type.String({ description: 'As the header diptych-delivery' }),
  tries: Type.Integer(),
  dueAt: nullable(Type.String(), 'Of the next try; null once it has arrived or was given up'),
  deliveredAt: nullable(Type.String(), 'Null until it has arrived'),
  error: nullable(Type.String(), 'Of the last try'),
});
const DeliveryKey = Type.String({ pattern: '^[0-9]{1,18}$' });
const config = { access: 'admin' } as const;

export function webhookRoutes({ store }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/webhooks',
      {
        config,
        schema: {
          tags: ['webhooks'],
          summary: 'Tell an address when a run has ended',
          body: Type.Object({ url: Type.String({ maxLength: 2000 }) }, { additionalProperties: false }),
          response: {
            201: Type.Object({
              ...Webhook,
              secret: Type.String({ description: 'Signs what is sent; shown this once' }),
            }),
            400: ErrorAnswer,
          },
        },
      },
      async ({ body: { url } }, reply) => {
        checkAddress(url);
        const { createdAt, ...webhook } = await createWebhook(store, url);
        return reply.status(201).send({ ...webhook, createdAt: createdAt.toISOString() });
      },
    );

    app.get(
      '/webhooks',
      {
        config,
        schema: {
          tags: ['webhooks'],
          querystring: Type.Object(Paging),
          response: { 200: page(Type.Object(Webhook)) },
        },
      },
      async ({ query: { cursor, limit } }) => {
        const webhooks = await listWebhooks(store, fromCursor(cursor, WebhookId.properties.id), limit);
        return {
          items: webhooks.map(({ createdAt, ...rest }) => ({ ...rest, createdAt: createdAt.toISOString() })),
          next: nextCursor(webhooks, limit, ({ id }) => id),
        };
      },
    );

    app.delete(
      '/webhooks/:id',
      {
        config,
        schema: {
          tags: ['webhooks'],
          summary: 'Tell it nothing more',
          params: WebhookId,
          response: { 204: Type.Null(), 404: ErrorAnswer },
        },
      },
      async ({ params: { id } }, reply) => {
        await deleteWebhook(store, id);
        return reply.status(204).send(null);
      },
    );

    app.get(
      '/webhooks/:id/deliveries',
      {
        config,
        schema: {
          tags: ['webhooks'],
          summary: 'What was told or is still to be told, newest first',
          params: WebhookId,
          querystring: Type.Object(Paging),
          response: { 200: page(Delivery), 404: ErrorAnswer },
        },
      },
      async ({ params: { id }, query: { cursor, limit } }) => {
        const items = await listDeliveries(store, id, fromCursor(cursor, DeliveryKey), limit);
        return {
          items: items.map(({ dueAt, deliveredAt, ...rest }) => ({
            ...rest,
            dueAt: dueAt?.toISOString() ?? null,
            deliveredAt: deliveredAt?.toISOString() ?? null,
          })),
          next: nextCursor(items, limit, (delivery) => delivery.id),
        };
      },
    );
  };
}

/** Where it leads is checked when it is used: a name may lead elsewhere tomorrow. */
function checkAddress(text: string): void {
  const url = URL.parse(text);
  if (url && ['http:', 'https:'].includes(url.protocol) && !url.username && !url.password) return;
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `url is "${text}", must begin with http:// or https:// and hold no user or password`,
  );
}
