/** Which page is at which address. Pages are loaded when they are first opened. */
import { ErrorBoundary, LocationProvider, lazy, Route, Router } from 'preact-iso';
import { Empty } from '../components/empty.tsx';
import { Page } from '../components/page.tsx';
import { Layout } from './layout.tsx';
import { SessionProvider, SignedIn } from './session.tsx';

const Runs = lazy(() => import('../pages/runs/runs.tsx'));
const Gallery = lazy(() => import('../pages/gallery/gallery.tsx'));
const Pairs = lazy(() => import('../pages/pairs/pairs.tsx'));
const Vote = lazy(() => import('../pages/vote/vote.tsx'));
const RunDetail = lazy(() => import('../pages/runs/run-detail.tsx'));
const Compare = lazy(() => import('../pages/compare/compare.tsx'));
const Datasets = lazy(() => import('../pages/datasets/datasets.tsx'));
const ExportDetail = lazy(() => import('../pages/datasets/export-detail.tsx'));
const Training = lazy(() => import('../pages/training/training.tsx'));

export function App() {
  return (
    <LocationProvider>
      <SessionProvider>
        <Layout>
          <SignedIn>
            <ErrorBoundary>
              <Router>
                <Route path="/" component={Runs} />
                <Route path="/runs/:id" component={RunDetail} />
                <Route path="/gallery" component={Gallery} />
                <Route path="/pairs" component={Pairs} />
                <Route path="/training" component={Training} />
                <Route path="/vote" component={Vote} />
                <Route path="/compare" component={Compare} />
                <Route path="/datasets" component={Datasets} />
                <Route path="/datasets/:id" component={ExportDetail} />
                <Route default component={NoSuchPage} />
              </Router>
            </ErrorBoundary>
          </SignedIn>
        </Layout>
      </SessionProvider>
    </LocationProvider>
  );
}

const NoSuchPage = () => (
  <Page title="Nothing here">
    <Empty title="There is no page at this address.">
      <a class="button" href="/">
        Go to the runs
      </a>
    </Empty>
  </Page>
);
