/** Where blobs are kept, by the name of the place. */
import path from 'node:path';
import { DiptychError } from '../errors.ts';
import { type BlobStore, folderBlobs } from './blobs.ts';
import { type Bucket, s3Blobs } from './s3-blobs.ts';

/** @param place s3://BUCKET, s3://BUCKET/PREFIX or a folder. Throws DIPTYCH_INVALID_INPUT where the bucket has no name. */
export function openBlobs(place: string): BlobStore {
  const bucket = bucketOf(place);
  return bucket ? s3Blobs(bucket) : folderBlobs(path.resolve(place));
}

function bucketOf(place: string): Bucket | undefined {
  if (!place.includes('://')) return undefined;
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*?))?\/*$/.exec(place) ?? [];
  if (bucket) return { bucket, prefix };
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `blobs can't be kept in "${place}"; DIPTYCH_BLOBS is a folder, or s3://BUCKET/PREFIX`,
  );
}
