/** Fields that several layouts have. */
import type { CandidatePair } from '../pairs.ts';
import type { ExportAnnotation } from '../rows.ts';
import type { Of } from '../table.ts';

interface OfAnnotation {
  annotation: ExportAnnotation;
}

export const PROMPT: Of<OfAnnotation> = {
  name: 'prompt',
  type: 'string',
  about: 'text made from the scene graph',
  of: (s) => s.annotation.prompt,
};

export const ANNOTATION_ID: Of<OfAnnotation> = {
  name: 'annotation_id',
  type: 'string',
  about: 'img_id of the LAION-SG annotation',
  of: (s) => s.annotation.imgId,
};

export const LABEL_SOURCE: Of<{ pair: CandidatePair }> = {
  name: 'label_source',
  type: 'string',
  about: '"human" where people voted on the two images, else "machine"',
  of: ({ pair: { votes } }) => (votes ? 'human' : 'machine'),
};

/** @param made what the layout is made of */
export const datasetVersion = (made: string): Of<{ version: string | null }> => ({
  name: 'dataset_version',
  type: 'string',
  about: `hash of everything that ${made}`,
  of: (s) => s.version,
});
