/**
 * The one catalogue of errors. A code is stable, searchable and never reused for another meaning;
 * a message quotes the wrong value and says what to do about it.
 */

export interface ErrorFacts {
  /** HTTP status the API answers with. */
  status: number;
  /** Whether a worker may try the same work again without a change. */
  retryable: boolean;
}

export const ERROR_CODES = {
  DIPTYCH_INVALID_INPUT: { status: 400, retryable: false },
  /** No key, or one that is not valid (any more). */
  DIPTYCH_UNAUTHENTICATED: { status: 401, retryable: false },
  /** The key's scope is too narrow, or the request comes from another site's page. */
  DIPTYCH_FORBIDDEN: { status: 403, retryable: false },
  DIPTYCH_NOT_FOUND: { status: 404, retryable: false },
  DIPTYCH_CONFLICT: { status: 409, retryable: false },
  DIPTYCH_TOO_LARGE: { status: 413, retryable: false },
  DIPTYCH_TOO_MANY_REQUESTS: { status: 429, retryable: true },
  DIPTYCH_INTERNAL: { status: 500, retryable: true },
  DIPTYCH_STALE_ATTEMPT: { status: 409, retryable: false },
  DIPTYCH_CANCELLED: { status: 409, retryable: false },
  /** The run was paused while its work was under way; the work goes on when it is resumed. */
  DIPTYCH_PAUSED: { status: 409, retryable: false },
  DIPTYCH_BAD_FILE: { status: 400, retryable: false },
  DIPTYCH_BAD_MODEL: { status: 400, retryable: false },
  /** One item can't be done, whoever tries: it fails with its reason, and its task goes on without it. */
  DIPTYCH_ITEM_FAILED: { status: 502, retryable: false },
  /** A program that was started ended badly; its last words are in the message. */
  DIPTYCH_COMMAND_FAILED: { status: 502, retryable: false },
  DIPTYCH_ENGINE_UNAVAILABLE: { status: 503, retryable: false },
  DIPTYCH_DATABASE_UNAVAILABLE: { status: 503, retryable: true },
  /** The service has as much to do as it can; Retry-After says when to ask again. */
  DIPTYCH_OVERLOADED: { status: 503, retryable: true },
  DIPTYCH_BLOBS_UNAVAILABLE: { status: 503, retryable: true },
} as const satisfies Record<string, ErrorFacts>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error with a code from the catalogue. `message` is meant for the person who has to act. */
export class DiptychError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'DiptychError';
    this.code = code;
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }
}

/** Anything thrown becomes an Error; the original stays as `cause`. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
