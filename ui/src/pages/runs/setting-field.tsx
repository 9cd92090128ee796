/** One setting of a run, as its schema describes it. */
import { useId } from 'preact/hooks';
import type { Setting } from './settings-schema.ts';

interface Props {
  path: string;
  setting: Setting;
  /** Undefined: the default, or left out where it has none. */
  value: unknown;
  onChange(value: unknown): void;
}

export function SettingField({ path, setting, value, onChange }: Props) {
  const id = useId();
  const optional = setting.default === undefined;
  const shown = String(value ?? setting.default ?? '');
  return (
    <div class="field">
      <label class="label" for={id}>
        {nameOf(path)}
      </label>
      {setting.enum ? (
        <select id={id} value={shown} onChange={(event) => onChange(event.currentTarget.value)}>
          {setting.enum.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          type="number"
          required={!optional}
          value={shown}
          min={setting.minimum ?? setting.exclusiveMinimum}
          max={setting.maximum}
          step={setting.type === 'integer' ? 1 : 'any'}
          onInput={({ currentTarget: input }) =>
            onChange(optional && input.value === '' ? undefined : input.valueAsNumber)
          }
        />
      )}
      <span class="hint">{setting.description}</span>
    </div>
  );
}

/** "train.learningRate" as "Learning rate", "sampling.steps" as "Sampling steps". */
function nameOf(path: string): string {
  const words = path
    .replace(/^(train|evaluation)\.(?!steps)/, '')
    .replace('.', ' ')
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words[0]!.toUpperCase() + words.slice(1);
}
