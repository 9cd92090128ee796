/** Checks that configs of networks share: every refusal names the field, its value and what it may be. */
import { DiptychError } from '../../errors.ts';

type Json = Record<string, unknown>;

/**
 * `supported`: fields whose other values would change the network in ways that are not implemented; an absent
 * field is fine. Throws DIPTYCH_BAD_MODEL.
 */
export function refuseUnsupported(
  config: string,
  json: Json,
  supported: Record<string, readonly unknown[]>,
): void {
  for (const [field, allowed] of Object.entries(supported)) {
    if (field in json && !allowed.includes(json[field])) {
      const value = JSON.stringify(json[field]);
      throw new DiptychError(
        'DIPTYCH_BAD_MODEL',
        `${config}: "${field}" is ${value}; supported: ${JSON.stringify(allowed)}`,
      );
    }
  }
}

/** The field as a positive whole number. Throws DIPTYCH_BAD_MODEL. */
export function size(config: string, json: Json, field: string): number {
  const value = json[field];
  if (Number.isInteger(value) && (value as number) > 0) return value as number;
  throw new DiptychError(
    'DIPTYCH_BAD_MODEL',
    `${config}: "${field}" is ${JSON.stringify(value)}; it must be a positive whole number`,
  );
}

/** Throws DIPTYCH_BAD_MODEL unless the value of `field` is a multiple of that of `part`. */
export function requireMultiple(config: string, json: Json, field: string, part: string): void {
  if (size(config, json, field) % size(config, json, part) === 0) return;
  throw new DiptychError(
    'DIPTYCH_BAD_MODEL',
    `${config}: "${field}" is ${json[field]}; it must be a multiple of "${part}", ${json[part]}`,
  );
}
