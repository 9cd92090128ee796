/** What a chat completion says to a yes/no question. */
import { type Static, type TSchema, Type } from 'typebox';
import { Check } from 'typebox/value';
import type { Answer } from '../scoring/ports.ts';

const nullable = <T extends TSchema>(type: T) => Type.Optional(Type.Union([type, Type.Null()]));

/** The part of an OpenAI chat completion that is read here. */
const Completion = Type.Object({
  choices: Type.Array(
    Type.Object({
      message: Type.Object({ content: nullable(Type.String()), refusal: nullable(Type.String()) }),
      logprobs: Type.Optional(Type.Unknown()),
    }),
    { minItems: 1 },
  ),
});

/** Other shapes, which some servers have, count as no probabilities. */
const Likely = Type.Array(Type.Object({ token: Type.String(), logprob: Type.Number() }));
const Logprobs = Type.Object({
  content: Type.Array(Type.Object({ token: Type.String(), top_logprobs: Likely })),
});

/**
 * Null when the text begins with neither word. `yes` is P(yes) / (P(yes) + P(no)) of the first token that is a word,
 * summed over spellings ("Yes", " yes", "YES") among the most likely ones; 1 or 0 by the text where the server
 * tells no probabilities.
 */
export function readYesNo(completion: unknown): { answer: Answer | null; text: string } {
  if (!Check(Completion, completion)) {
    return { answer: null, text: JSON.stringify(completion) };
  }
  const { message, logprobs } = completion.choices[0]!;
  const text = message.content || message.refusal || '';
  const said = /^\W*(yes|no)\b/i.exec(text)?.[1]?.toLowerCase();
  if (said === undefined) return { answer: null, text };
  const tokens = Check(Logprobs, logprobs) ? logprobs.content : [];
  const first = tokens.find(({ token }) => word(token) !== '');
  const yes = shareOfYes(first?.top_logprobs ?? []) ?? (said === 'yes' ? 1 : 0);
  return { answer: { answer: yes > 0.5 ? 'yes' : 'no', yes }, text };
}

function shareOfYes(tokens: Static<typeof Likely>): number | null {
  const mass = (wanted: string) =>
    tokens
      .filter(({ token }) => word(token) === wanted)
      .reduce((sum, { logprob }) => sum + Math.exp(logprob), 0);
  const [yes, no] = [mass('yes'), mass('no')];
  return yes + no > 0 ? yes / (yes + no) : null;
}

/** A token's letters: tokenizers put spaces, or marks for them, before words. */
const word = (token: string) => token.toLowerCase().replace(/[^a-z]/g, '');
