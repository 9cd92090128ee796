/** Where two images differ. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { blobUrl, type ItemCandidate } from '../../api/client.ts';
import { difference } from './compared.ts';

type Image = Pick<ItemCandidate, 'sha256' | 'width' | 'height'>;
const SMALL = 128;

export function Difference({ left, right }: { left: Image; right: Image }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [found, setFound] = useState<number | string | null>(null);
  useEffect(() => {
    let current = true;
    Promise.all([pixelsOf(left), pixelsOf(right)]).then(
      ([a, b]) => {
        if (!current) return;
        const { pixels, greatest } = difference(a.data, b.data);
        canvas.current!.getContext('2d')!.putImageData(new ImageData(pixels, a.width, a.height), 0, 0);
        setFound(greatest);
      },
      () => current && setFound('An image could not be loaded.'),
    );
    return () => {
      current = false;
    };
  }, [left.sha256, right.sha256]);
  if (left.width !== right.width || left.height !== right.height) {
    return (
      <p class="small soft">{`They differ in size: ${left.width} × ${left.height} and ${right.width} × ${right.height}.`}</p>
    );
  }
  return (
    <div class="both one">
      <figure>
        <canvas
          ref={canvas}
          class={left.width < SMALL ? 'pixels' : ''}
          width={left.width}
          height={left.height}
          role="img"
          aria-label="Difference of the two images"
        />
        <figcaption class="small" aria-live="polite">
          {found === null ? 'Comparing …' : typeof found === 'string' ? found : caption(found)}
        </figcaption>
      </figure>
    </div>
  );
}

const caption = (greatest: number) =>
  greatest === 0 ? 'No pixel differs.' : `White: ${greatest.toFixed(0)} of 255 apart. Black: the same.`;

async function pixelsOf({ sha256, width, height }: Image): Promise<ImageData> {
  const image = new Image();
  image.src = blobUrl(sha256);
  await image.decode();
  const context = new OffscreenCanvas(width, height).getContext('2d')!;
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, width, height);
}
