import * as React from 'react';

import type { ErrorMessage, SweepParameterView } from '../messages';
import type { INotebookSource, ISweeps } from '../tokens';
import { useMlops } from './context';
import { sentence, withCode } from './problem';

interface ISweepFormProps {
  readonly source: INotebookSource;
}

/** The notebook's parameters, a line of values for each; it says what they would make. */
export function SweepForm({ source }: ISweepFormProps): React.JSX.Element {
  const { model, trans } = useMlops();
  const { sweeps } = model;
  const { form, plan, draft, doing, error } = sweeps;
  const id = React.useId();
  const first = React.useRef<HTMLFormElement>(null);
  const isThere = form !== null;
  React.useEffect(() => {
    first.current?.querySelector('input')?.focus();
  }, [isThere]);
  if (!form) {
    return error ? (
      <Buttons isReady={false} />
    ) : (
      <p role="status">{trans.__('Reading the parameters…')}</p>
    );
  }
  if (form.parameters.length === 0) {
    return (
      <div role="note">
        <p>
          {trans.__(
            'The saved notebook has no parameters. Tag a cell of plain assignments with “parameters”, such as depth = 6  # 1..20, and save.'
          )}
        </p>
        <Buttons isReady={false} />
      </div>
    );
  }
  const isReady = plan !== null && (plan.points ?? 0) > 0 && doing === null;
  return (
    <form
      ref={first}
      className="jp-mlops-Form"
      aria-label={trans.__('Sweep parameters')}
      onSubmit={event => {
        event.preventDefault();
        if (isReady) {
          void sweeps.start(source);
        }
      }}
      onKeyDown={event => {
        // the notebook's own shortcuts must not see what is typed here
        event.stopPropagation();
        if (event.key === 'Escape') {
          sweeps.closeForm();
        }
      }}
    >
      {form.parameters
        .filter(each => !each.secret)
        .map(each => (
          <Field key={each.name} parameter={each} error={plan?.fields[each.name] ?? null} />
        ))}
      <p className="jp-mlops-Quiet">
        {trans.__('Values: 4,6,8. A range: 1:10, 0:1:lin5, 0.01:1:log5. Empty: as it is.')}
      </p>
      <div className="jp-mlops-Form-more">
        <label htmlFor={`${id}-metric`}>{trans.__('Metric')}</label>
        <input
          id={`${id}-metric`}
          value={draft.metric}
          placeholder={trans.__('automatic')}
          spellCheck={false}
          onChange={event => sweeps.edit({ metric: event.target.value })}
        />
        <label htmlFor={`${id}-random`}>{trans.__('Random draws')}</label>
        <input
          id={`${id}-random`}
          type="number"
          min={1}
          value={draft.random}
          placeholder={trans.__('none')}
          onChange={event => sweeps.edit({ random: event.target.value })}
        />
        <label htmlFor={`${id}-workers`}>{trans.__('At a time')}</label>
        <input
          id={`${id}-workers`}
          type="number"
          min={1}
          value={draft.workers}
          placeholder={String(form.cores)}
          onChange={event => sweeps.edit({ workers: event.target.value })}
        />
      </div>
      <Plan sweeps={sweeps} />
      {source.dirty && (
        <p className="jp-mlops-Quiet">{trans.__('The notebook is saved before it runs.')}</p>
      )}
      <Buttons isReady={isReady} />
    </form>
  );
}

function Buttons({ isReady }: { readonly isReady: boolean }): React.JSX.Element {
  const { model, trans } = useMlops();
  const { form, doing } = model.sweeps;
  return (
    <div className="jp-mlops-Sweeps-actions">
      {form !== null && form.parameters.length > 0 && (
        <button type="submit" className="jp-mlops-Button jp-mod-primary" aria-disabled={!isReady}>
          {doing === 'starting' ? trans.__('Starting…') : trans.__('Start sweep')}
        </button>
      )}
      <button type="button" className="jp-mlops-Button" onClick={() => model.sweeps.closeForm()}>
        {trans.__('Close')}
      </button>
    </div>
  );
}

function Plan({ sweeps }: { readonly sweeps: ISweeps }): React.JSX.Element {
  const { trans } = useMlops();
  const { plan } = sweeps;
  let words: React.ReactNode = trans.__('Looking…');
  if (plan?.error) {
    words = <Wrong error={plan.error} />;
  } else if (plan && Object.keys(plan.fields).length) {
    words = trans.__('Mend the values that are marked.');
  } else if (plan && !plan.points) {
    words = trans.__('Give one of the parameters several values.');
  } else if (plan) {
    words = trans._n('This makes %1 point.', 'This makes %1 points.', plan.points ?? 0);
  }
  return (
    <div className="jp-mlops-Form-plan" role="status">
      {words}
    </div>
  );
}

interface IFieldProps {
  readonly parameter: SweepParameterView;
  readonly error: ErrorMessage | null;
}

function Field({ parameter, error }: IFieldProps): React.JSX.Element {
  const { model, trans } = useMlops();
  const { sweeps } = model;
  const { name, type, suggestion, help } = parameter;
  const id = React.useId();
  const value = sweeps.draft.parameters[name] ?? '';
  const set = (words: string): void =>
    sweeps.edit({ parameters: { ...sweeps.draft.parameters, [name]: words } });
  const about = [help && `${id}-help`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div className="jp-mlops-Field">
      <div className="jp-mlops-Field-head">
        <label htmlFor={id}>
          {name} <span className="jp-mlops-Quiet">{type}</span>
        </label>
        {suggestion && value !== suggestion && (
          <button
            type="button"
            className="jp-mlops-Link"
            title={trans.__('Try what the notebook declares for %1', name)}
            onClick={() => set(suggestion)}
          >
            {suggestion}
          </button>
        )}
      </div>
      <input
        id={id}
        value={value}
        placeholder={parameter.default}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={error !== null}
        aria-describedby={about || undefined}
        onChange={event => set(event.target.value)}
      />
      {help && (
        <div id={`${id}-help`} className="jp-mlops-Quiet">
          {help}
        </div>
      )}
      {error && (
        <div id={`${id}-error`} className="jp-mlops-Field-error" role="alert">
          <Wrong error={error} />
        </div>
      )}
    </div>
  );
}

function Wrong({ error }: { readonly error: ErrorMessage }): React.JSX.Element {
  return (
    <>
      {withCode(error.message)} {error.hint && withCode(sentence(error.hint))}
    </>
  );
}
