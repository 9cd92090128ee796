/** Where blobs and the files of artifacts are kept, by the name of the place. */
import path from 'node:path';
import { DiptychError } from '../errors.ts';
import { type ArtifactFiles, folderArtifacts } from './artifact-files.ts';
import { type BlobStore, folderBlobs } from './blobs.ts';
import type { Places } from './places.ts';
import { s3Artifacts } from './s3-artifacts.ts';
import { s3Blobs } from './s3-blobs.ts';
import { type BucketPlace, openBucket } from './s3-bucket.ts';

/** @param place s3://BUCKET, s3://BUCKET/PREFIX or a folder. Throws DIPTYCH_INVALID_INPUT where the bucket has no name. */
export function openBlobs(place: string): BlobStore {
  const bucket = bucketOf(place);
  return bucket ? s3Blobs(openBucket(bucket)) : folderBlobs(path.resolve(place));
}

/** Beside the blobs of a bucket; with blobs in a folder every process reads artifacts where they were made. */
export function openArtifacts({ blobs, artifacts }: Pick<Places, 'blobs' | 'artifacts'>): ArtifactFiles {
  const bucket = bucketOf(blobs);
  return bucket ? s3Artifacts(openBucket(bucket), artifacts) : folderArtifacts;
}

function bucketOf(place: string): BucketPlace | undefined {
  if (!place.includes('://')) return undefined;
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*?))?\/*$/.exec(place) ?? [];
  if (bucket) return { bucket, prefix };
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `blobs can't be kept in "${place}"; DIPTYCH_BLOBS is a folder, or s3://BUCKET/PREFIX`,
  );
}
