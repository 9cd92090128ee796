/** A run's images of benchmark prompts, with what the benchmarks' result files are made of. */
import type { T2iCategory } from '../annotations/benchmark.ts';
import type { Variant } from './candidates.ts';
import { query, type Store } from './client.ts';

export interface BenchmarkCandidate {
  imgId: string;
  slot: number;
  width: number;
  benchmark:
    | { name: 'dpg-bench'; unread_first?: boolean }
    | { name: 't2i-compbench'; prompt: string; category: T2iCategory };
  /** Of each metric the newest version in the mode last by name. */
  scores: Record<string, number>;
  /** Evidence of the metric dpg; null where it failed. */
  dpg: { questions: unknown[] } | null;
}

const PAGE = 200;

/** In the order of img_id and slot. */
export async function* benchmarkCandidates(
  store: Store,
  runId: string,
  variant: Variant,
): AsyncGenerator<BenchmarkCandidate> {
  let after = { imgId: '', slot: -1 };
  for (;;) {
    const page = await query<BenchmarkCandidate>(
      store,
      `SELECT a.img_id AS "imgId", c.slot, c.width, (a.body -> 'benchmark') - 'questions' AS benchmark,
              coalesce((SELECT jsonb_object_agg(s.metric, s.value ORDER BY s.mode, s.version) FROM score s
                WHERE s.candidate_id = c.id), '{}') AS scores,
              (SELECT s.evidence FROM score s WHERE s.candidate_id = c.id AND s.metric = 'dpg'
               ORDER BY s.mode DESC, s.version DESC LIMIT 1) AS dpg
       FROM candidate c JOIN annotation a ON a.id = c.annotation_id
       WHERE c.run_id = $1::uuid AND c.variant = $2 AND a.body ? 'benchmark' AND (a.img_id, c.slot) > ($3, $4::int)
       ORDER BY a.img_id, c.slot LIMIT $5`,
      runId,
      variant,
      after.imgId,
      after.slot,
      PAGE,
    );
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)!;
  }
}
