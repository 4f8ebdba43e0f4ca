import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

interface ISectionProps {
  readonly title: string;
  readonly count?: string;
  readonly children: React.ReactNode;
}

/** A part of the panel that can be folded away. */
export function Section({ title, count, children }: ISectionProps): React.JSX.Element {
  const [open, setOpen] = React.useState(true);
  const id = React.useId();
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <section className="jp-mlops-Section" aria-label={title}>
      <h3 className="jp-mlops-Section-title">
        <button
          type="button"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
        >
          <Caret.react tag="span" className="jp-mlops-Caret" />
          <span className="jp-mlops-Section-name">{title}</span>
          {count && <span className="jp-mlops-Section-count">{count}</span>}
        </button>
      </h3>
      <div id={id} hidden={!open}>
        {open && children}
      </div>
    </section>
  );
}
