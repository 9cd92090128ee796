/**
 * Blobs as objects of a bucket, for workers on many machines. The address of the server, the region and the keys are
 * those of the AWS tools: AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and their like.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import PQueue from 'p-queue';
import { asError, DiptychError } from '../errors.ts';
import { type BlobStore, sha256Of } from './blobs.ts';

/** Milliseconds without a byte after which a request is tried again. */
const PATIENCE = 30_000;
/** Of one request, with growing pauses between them: about half a minute of a server that refuses at once. */
const ATTEMPTS = 8;
const SENT_TOGETHER = 8;

export interface Bucket {
  bucket: string;
  /** Before every key; empty: none. */
  prefix: string;
}

/** Its put and get throw DIPTYCH_BLOBS_UNAVAILABLE where the server gives no answer, or refuses. */
export function s3Blobs(place: Bucket): BlobStore {
  const { bucket, prefix } = place;
  const keyOf = (sha256: string) => [prefix, sha256.slice(0, 2), sha256].filter(Boolean).join('/');
  const name = `s3://${[bucket, prefix].filter(Boolean).join('/')}`;
  let opened: Promise<{ sdk: typeof import('@aws-sdk/client-s3'); client: S3Client }> | undefined;
  const open = () => {
    opened ??= openClient();
    return opened;
  };
  const failed = (doing: string, cause: unknown) =>
    new DiptychError(
      'DIPTYCH_BLOBS_UNAVAILABLE',
      `can't ${doing} in ${name}: ${saidBy(asError(cause))}; check AWS_ENDPOINT_URL_S3 and the keys`,
      { cause },
    );

  // The same bytes have the same name: putting them again changes nothing, so nothing is asked first.
  async function put(bytes: Uint8Array): Promise<string> {
    const sha256 = sha256Of(bytes);
    const { sdk, client } = await open();
    const command = new sdk.PutObjectCommand({ Bucket: bucket, Key: keyOf(sha256), Body: bytes });
    try {
      await client.send(command);
    } catch (cause) {
      throw failed(`put blob ${sha256}`, cause);
    }
    return sha256;
  }

  return {
    put,
    async adopt(folder) {
      const queue = new PQueue({ concurrency: SENT_TOGETHER });
      for (const prefix of await readdir(folder)) {
        const names = await readdir(path.join(folder, prefix));
        await queue.addAll(
          names.map((name) => async () => put(await readFile(path.join(folder, prefix, name)))),
        );
      }
    },
    async get(sha256) {
      const { sdk, client } = await open();
      let bytes: Buffer;
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: keyOf(sha256) }));
        bytes = Buffer.from(await Body!.transformToByteArray());
      } catch (cause) {
        if (cause instanceof sdk.NoSuchKey)
          throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no blob ${sha256} in ${name}`, { cause });
        throw failed(`get blob ${sha256}`, cause);
      }
      // A body that was cut off or mixed up on its way is never taken for the image.
      if (sha256Of(bytes) !== sha256) throw failed(`get blob ${sha256}`, new Error('other bytes came'));
      return bytes;
    },
    async check() {
      await this.put(Buffer.from('diptych'));
    },
  };
}

/** The server's code stands in the name; servers that say no more leave the message to the client. */
const saidBy = ({ name, message }: Error) =>
  [name, message].filter((part) => part !== 'Error' && part !== 'UnknownError').join(': ');

async function openClient() {
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client({
    // Servers other than Amazon's know neither its host names nor its newest checksums.
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    region: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1',
    maxAttempts: ATTEMPTS,
    requestHandler: {
      connectionTimeout: PATIENCE,
      requestTimeout: PATIENCE,
      throwOnRequestTimeout: true,
    },
  });
  return { sdk, client };
}
