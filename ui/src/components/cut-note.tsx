/** That a run is larger than what a page holds of it. */
import { MOST_ITEMS } from '../api/run-items.ts';
import { count } from '../format.ts';

export const CutNote = ({ cut }: { cut: boolean }) =>
  cut && (
    <p class="soft small" role="note">
      Of this run only some {count(MOST_ITEMS)} annotations are here, the first, in the order of img_id, and
      figures are of these. <code>diptych query</code> and exports read all.
    </p>
  );
