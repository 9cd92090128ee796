/** Requests with fields that not every server takes: one that a refusal names is left out. */
import { type Http, RemoteFailure } from './http.ts';

/** OpenAI answers 400 or, for log-probabilities, 403; servers made with FastAPI answer 422. */
const REFUSALS = [400, 403, 422];

/**
 * `groups`: fields that only make sense together, the telling name first. What had to be left out is remembered once
 * a request got through without it: a refusal may name a field for another reason, such as a word of the prompt.
 */
export function optionalFields(http: Http, groups: readonly (readonly string[])[]): Http['postJson'] {
  const unknown = new Set<string>();
  return async (url, body, signal) => {
    const left = new Set(unknown);
    for (;;) {
      const sent = Object.entries(body as Record<string, unknown>).filter(([name]) => !left.has(name));
      try {
        const answer = await http.postJson(url, Object.fromEntries(sent), signal);
        for (const name of left) unknown.add(name);
        return answer;
      } catch (thrown) {
        const group = groups.find(([name]) => !left.has(name!) && refuses(thrown, name!));
        if (!group) throw thrown;
        for (const name of group) left.add(name);
      }
    }
  };
}

function refuses(thrown: unknown, field: string): boolean {
  return (
    thrown instanceof RemoteFailure &&
    REFUSALS.includes(thrown.answerStatus ?? 0) &&
    thrown.answer.toLowerCase().includes(field)
  );
}
