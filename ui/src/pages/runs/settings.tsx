/** The settings that a run uses, every default filled in. */
export function Settings({ settings }: { settings: unknown }) {
  return (
    <section class="panel" aria-labelledby="settings">
      <header>
        <h2 id="settings">Settings</h2>
        <button
          class="button quiet"
          type="button"
          onClick={() => void navigator.clipboard.writeText(JSON.stringify(settings, null, 2))}
        >
          Copy as JSON
        </button>
      </header>
      <div class="body settings">
        <Values value={settings as Record<string, unknown>} />
      </div>
    </section>
  );
}

const Values = ({ value }: { value: Record<string, unknown> }) => (
  <dl>
    {Object.entries(value).map(([name, inner]) => (
      <div key={name} class={isObject(inner) ? 'group' : ''}>
        <dt>{name}</dt>
        <dd>{isObject(inner) ? <Values value={inner} /> : <code>{JSON.stringify(inner)}</code>}</dd>
      </div>
    ))}
  </dl>
);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
