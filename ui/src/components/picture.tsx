/** A candidate's image in a box of known size, so that nothing moves when it arrives. */
import { blobUrl } from '../api/client.ts';
import './picture.css';

interface Props {
  image: { sha256: string; width: number; height: number };
  /** Pixels of its side on the page. */
  size: number;
  alt: string;
}

const THUMBNAILS = [64, 128, 256, 512];

export function Picture({ image: { sha256, width, height }, size, alt }: Props) {
  const wanted = THUMBNAILS.find((one) => one >= size * Math.min(2, devicePixelRatio));
  const smaller = wanted !== undefined && wanted < width ? wanted : undefined;
  return (
    <img
      class={width < size ? 'picture pixels' : 'picture'}
      src={blobUrl(sha256, smaller)}
      width={size}
      height={Math.round((size * height) / width)}
      alt={alt}
      loading="lazy"
      decoding="async"
    />
  );
}
