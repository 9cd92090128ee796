/** Who looks at the pages: anybody, or who has signed in with a key where the service asks for one. */
import { type ComponentChildren, createContext } from 'preact';
import { useContext, useState } from 'preact/hooks';
import { type ApiError, answered, api, type Session } from '../api/client.ts';
import { type Resource, useResource } from '../api/use-resource.ts';
import { ErrorNote } from '../components/error-note.tsx';
import { Page } from '../components/page.tsx';

const SessionContext = createContext<Resource<Session>>({ data: null, error: null, reload() {} });

export function SessionProvider({ children }: { children: ComponentChildren }) {
  const session = useResource('session', (signal) => answered(api.GET('/v1/session', { signal })));
  return <SessionContext.Provider value={session}>{children}</SessionContext.Provider>;
}

/** The pages, or the form that leads to them; nothing before it is known which. Pages themselves say what does not answer. */
export function SignedIn({ children }: { children: ComponentChildren }) {
  const { data: session, error, reload } = useContext(SessionContext);
  if (session === null && error === null) return null;
  if (session?.needsKey && session.scope === null) return <SignIn onSignedIn={reload} />;
  return children;
}

export function SignOut() {
  const { data: session, reload } = useContext(SessionContext);
  if (!session?.needsKey || session.scope === null) return null;
  return (
    <button
      type="button"
      class="button quiet small"
      onClick={() => void answered(api.DELETE('/v1/session', {})).then(reload, reload)}
    >
      Sign out
    </button>
  );
}

function SignIn({ onSignedIn }: { onSignedIn(): void }) {
  const [key, setKey] = useState('');
  const [error, setError] = useState<ApiError | null>(null);
  return (
    <Page title="Sign in">
      <form
        class="panel sign-in"
        onSubmit={(event) => {
          event.preventDefault();
          answered(api.POST('/v1/session', { body: { key } })).then(onSignedIn, setError);
        }}
      >
        <div class="body">
          <label class="field">
            <span class="label">Key</span>
            <input
              type="password"
              autocomplete="current-password"
              required
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
            <span class="hint">
              Who runs this service makes one with{' '}
              <code>npm run diptych -- keys create NAME --scope write</code>
            </span>
          </label>
          <ErrorNote error={error} />
          <button type="submit" class="button primary">
            Sign in
          </button>
        </div>
      </form>
    </Page>
  );
}
