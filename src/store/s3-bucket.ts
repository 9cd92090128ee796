/**
 * Objects of a bucket, by key. The address of the server, the region and the keys are those of the AWS tools:
 * AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and their like.
 */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { asError, DiptychError } from '../errors.ts';

/** Milliseconds without a byte after which a request is tried again. */
const PATIENCE = 30_000;
/** Of one request, with growing pauses between them: some seconds of a server that refuses at once. */
const ATTEMPTS = 8;
/** Of a file in several parts; two of them are in memory. */
const PART_BYTES = 16 * 2 ** 20;
/** S3's own limits: parts of a file, keys of one removal. */
const [MOST_PARTS, MOST_KEYS] = [10_000, 1000];

export interface BucketPlace {
  bucket: string;
  /** Before every key; empty: none. */
  prefix: string;
}

/** First and last byte. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * `what` names an object in messages. Everything throws DIPTYCH_BLOBS_UNAVAILABLE where the server gives no answer, or
 * refuses.
 */
export interface Bucket {
  /** s3://BUCKET/PREFIX */
  name: string;
  put(key: string, bytes: Uint8Array, what: string): Promise<void>;
  /** A file of any size, in parts. */
  putFile(key: string, file: string, bytes: number, what: string): Promise<void>;
  has(key: string, what: string): Promise<boolean>;
  /** Throws DIPTYCH_NOT_FOUND. */
  get(key: string, what: string): Promise<Buffer>;
  /** The same as it comes. */
  stream(key: string, what: string, range?: ByteRange): Promise<Readable>;
  remove(keys: readonly string[]): Promise<void>;
  /** Removes every object whose key begins so. */
  removeBelow(start: string): Promise<void>;
}

export function openBucket(place: BucketPlace): Bucket {
  const { bucket, prefix } = place;
  const name = `s3://${[bucket, prefix].filter(Boolean).join('/')}`;
  const at = (key: string) => ({ Bucket: bucket, Key: prefix ? `${prefix}/${key}` : key });
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

  async function found(key: string, what: string, range?: ByteRange) {
    const { sdk, client } = await open();
    const Range = range && `bytes=${range.start}-${range.end}`;
    try {
      return (await client.send(new sdk.GetObjectCommand({ ...at(key), Range }))).Body!;
    } catch (cause) {
      if (cause instanceof sdk.NoSuchKey)
        throw new DiptychError('DIPTYCH_NOT_FOUND', `there is no ${what} in ${name}`, { cause });
      throw failed(`get ${what}`, cause);
    }
  }

  /** Keys as the server has them. */
  async function removeObjects(keys: readonly string[]): Promise<void> {
    const { sdk, client } = await open();
    for (let from = 0; from < keys.length; from += MOST_KEYS) {
      const Objects = keys.slice(from, from + MOST_KEYS).map((Key) => ({ Key }));
      await client.send(new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }));
    }
  }

  return {
    name,
    async put(key, bytes, what) {
      const { sdk, client } = await open();
      try {
        await client.send(new sdk.PutObjectCommand({ ...at(key), Body: bytes }));
      } catch (cause) {
        throw failed(`put ${what}`, cause);
      }
    },
    async putFile(key, file, bytes, what) {
      const { client } = await open();
      const { Upload } = await import('@aws-sdk/lib-storage');
      const partSize = Math.max(PART_BYTES, Math.ceil(bytes / MOST_PARTS));
      try {
        const params = { ...at(key), Body: createReadStream(file) };
        await new Upload({ client, params, partSize, queueSize: 2 }).done();
      } catch (cause) {
        throw failed(`put ${what}`, cause);
      }
    },
    async has(key, what) {
      const { sdk, client } = await open();
      try {
        await client.send(new sdk.HeadObjectCommand(at(key)));
        return true;
      } catch (cause) {
        // The answer has no body that would say which of the two is missing, the key or the bucket.
        if (cause instanceof sdk.NotFound) return false;
        throw failed(`look for ${what}`, cause);
      }
    },
    async get(key, what) {
      const body = await found(key, what);
      try {
        return Buffer.from(await body.transformToByteArray());
      } catch (cause) {
        throw failed(`get ${what}`, cause);
      }
    },
    stream: async (key, what, range) => (await found(key, what, range)) as Readable,
    async remove(keys) {
      try {
        await removeObjects(keys.map((key) => at(key).Key));
      } catch (cause) {
        throw failed(`remove ${keys.length} objects`, cause);
      }
    },
    async removeBelow(start) {
      const { sdk, client } = await open();
      const Prefix = at(start).Key;
      try {
        const pages = sdk.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix });
        for await (const { Contents = [] } of pages) await removeObjects(Contents.map(({ Key }) => Key!));
      } catch (cause) {
        throw failed(`remove ${start}`, cause);
      }
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
