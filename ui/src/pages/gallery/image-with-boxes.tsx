/** An image with what a detector found drawn over it. */
import type { ItemCandidate } from '../../api/client.ts';
import { Picture } from '../../components/picture.tsx';
import type { Found } from './evidence.tsx';

const SIZE = 224;

export function ImageWithBoxes({ image, boxes }: { image: ItemCandidate; boxes: readonly Found[] }) {
  const scale = SIZE / image.width;
  const height = Math.round(image.height * scale);
  return (
    <div class="boxed" style={{ width: `${SIZE}px`, height: `${height}px` }}>
      <Picture image={image} size={SIZE} alt={`Candidate ${image.slot + 1}`} />
      {boxes.length > 0 && (
        <svg
          width={SIZE}
          height={height}
          role="img"
          aria-label={`Found: ${boxes.map(({ label }) => label).join(', ')}`}
        >
          {boxes.map(({ label, box: [left, top, right, bottom] }, i) => (
            <g key={`${label}${left},${top}`} class={`box-${(i % 2) + 1}`}>
              <rect
                x={left * scale}
                y={top * scale}
                width={(right - left) * scale}
                height={(bottom - top) * scale}
              />
              <text x={Math.min(left * scale, SIZE - 90)} y={Math.max(12, top * scale - 4)}>
                {label}
              </text>
            </g>
          ))}
        </svg>
      )}
    </div>
  );
}
