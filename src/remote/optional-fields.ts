/** Requests with fields that not every server takes: one that a refusal names is left out from then on. */
import { type Http, RemoteFailure } from './http.ts';

/** OpenAI answers 400 or, for log-probabilities, 403; servers made with FastAPI answer 422. */
const REFUSALS = [400, 403, 422];

/** `groups`: fields that only make sense together, the telling name first. */
export function optionalFields(http: Http, groups: readonly (readonly string[])[]): Http['postJson'] {
  const refused = new Set<string>();
  return async (url, body, signal) => {
    for (;;) {
      const sent = Object.entries(body as Record<string, unknown>).filter(([name]) => !refused.has(name));
      try {
        return await http.postJson(url, Object.fromEntries(sent), signal);
      } catch (thrown) {
        const names = sent.map(([name]) => name);
        const group = groups.find((fields) => names.includes(fields[0]!) && refuses(thrown, fields[0]!));
        if (!group) throw thrown;
        for (const field of group) refused.add(field);
      }
    }
  };
}

function refuses(thrown: unknown, field: string): boolean {
  return (
    thrown instanceof RemoteFailure &&
    REFUSALS.includes(thrown.answerStatus ?? 0) &&
    thrown.answer.includes(field)
  );
}
