/**
 * The noun phrases of a T2I-CompBench prompt, by rules for the shapes its prompts have ("a green bench and a blue
 * bowl", "The soft pillow was on top of the hard chair."). The published evaluators take spaCy's noun chunks, a
 * trained parser's; how often the two agree is in docs/benchmarks.md.
 */

export interface NounPhrase {
  /** As it stands in the prompt, its article included. */
  text: string;
  /** The words before the last, without article and number. */
  attributes: string[];
  /** The last word. */
  label: string;
}

const words = (text: string) => new Set(text.split(/\s+/));

/** Begin a phrase and are no part of what it names. */
const DETERMINERS = words(
  `a an the this these those its their his her my your our some many several each every another
   one two three four five six seven eight nine ten`,
);

/** End a phrase and stand in none. */
const BETWEEN = words(
  `and or but nor with without in on at of by to from into onto over under above below behind between beside
   beneath near next inside outside around across against through along among up down off out after before for as
   while than that which who where when is are was were be been being has have had does do did can could will would
   it they them he she him we i you there both not also away apart together alongside amid past upon toward towards
   like because so then all only just very too even hidden top front side`,
);

/** Verbs whose form alone does not tell; others are known by -ed and -ing. */
const VERBS = words(
  `sat sits sit lay lies stood stands stand hung hangs hang rose rises fell falls sank held holds hold flew flies
   ran runs blew blows shone shines grew grows cut cuts drove swam slept sleeps clung wound swept stuck led met kept
   drew draws spun stretches stretch leans lean rests rest surrounds provides provide contains contain fills fill
   goes go wears wear shows covers decorate decorates lit woke told cast spread went came made strode`,
);

/** End in -ed or -ing, and are things. */
const THINGS = words(
  `bed shed seed weed reed sled thread bread building painting ring earring string spring wing king swing ceiling
   clothing morning evening wedding thing railing icing pudding lightning stocking ottoman dressing drawing`,
);

const COLOURS = words(
  `black white red green blue yellow brown gray grey pink purple orange tan beige gold golden silver`,
);

/** Phrases that the published code drops: they belong to a relation. */
const DROPPED = words('top side left right bottom');

/** In the order of the prompt. */
export function nounPhrases(prompt: string): NounPhrase[] {
  const tokens = prompt.match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*|,|[^\s\p{L}\p{N}]/gu) ?? [];
  const phrases: string[][] = [];
  let open: string[] = [];
  const close = () => {
    if (open.some(isContent)) phrases.push(open);
    open = [];
  };
  for (const [i, token] of tokens.entries()) {
    const next = tokens[i + 1];
    const word = token.toLowerCase();
    if (DETERMINERS.has(word)) {
      close();
      open.push(token);
    } else if (word === 'and' && joinsColours(open, next)) open.push(token);
    else if (word === ',' && joinsAttributes(open, next, tokens[i + 2])) open.push(token);
    else if (BETWEEN.has(word) || !/[\p{L}\p{N}]/u.test(word) || isVerb(token, open, next)) close();
    else open.push(token);
  }
  close();
  return phrases.map(asPhrase).filter(({ label }) => !DROPPED.has(label.toLowerCase()));
}

const isContent = (token: string) => token !== ',' && !DETERMINERS.has(token.toLowerCase());
const isBreak = (token: string | undefined) =>
  token === undefined ||
  !/[\p{L}\p{N}]/u.test(token) ||
  DETERMINERS.has(token.toLowerCase()) ||
  BETWEEN.has(token.toLowerCase());

/** "black and white tiles": a colour alone names nothing yet. */
function joinsColours(open: readonly string[], next: string | undefined): boolean {
  return COLOURS.has(open.at(-1)?.toLowerCase() ?? '') && COLOURS.has(next?.toLowerCase() ?? '');
}

/** "a long, narrow kitchen", but not "a cat, a dog" or "the lake, painting the sky": an article and one word. */
function joinsAttributes(
  open: readonly string[],
  next: string | undefined,
  afterNext: string | undefined,
): boolean {
  return open.length === 2 && !isContent(open[0]!) && !isBreak(next) && !isVerb(next!, open, afterNext);
}

/** A form of a verb, where what follows is no part of a name; an article must be followed by a name. */
function isVerb(token: string, open: readonly string[], next: string | undefined): boolean {
  const word = token.toLowerCase();
  if (open.length > 0 && !open.some(isContent)) return false;
  if (VERBS.has(word)) return true;
  return /(ed|ing|.ly)$/.test(word) && !THINGS.has(word) && isBreak(next);
}

function asPhrase(tokens: readonly string[]): NounPhrase {
  const named = tokens.filter((token) => isContent(token) && token.toLowerCase() !== 'and');
  return {
    text: tokens.join(' ').replaceAll(' ,', ','),
    attributes: named.slice(0, -1),
    label: named.at(-1)!,
  };
}
