import * as React from 'react';

import { tagHelp } from '../tags';
import { useMlops } from './context';

interface ITagInputProps {
  readonly position: number;
  readonly taken: readonly string[];
  readonly stepNames: readonly string[];
  readonly onAdd: (tag: string) => void;
  readonly onClose: () => void;
}

/** A field for one new tag: Enter adds it, Escape leaves. */
export function TagInput(props: ITagInputProps): React.JSX.Element {
  const { position, taken, stepNames, onAdd, onClose } = props;
  const { trans } = useMlops();
  const [text, setText] = React.useState('');
  const list = React.useId();
  const suggestions = [
    ...stepNames.map(name => ({ tag: `step:${name}`, help: trans.__('a step of this notebook') })),
    ...tagHelp(trans)
      .map(({ tag, help }) => ({ tag: tag.replace('NAME', ''), help }))
      .filter(({ tag }) => tag !== 'after:' || stepNames.length > 0)
  ].filter(({ tag }) => !taken.includes(tag));
  const add = (): void => {
    const tag = text.trim();
    if (tag && !tag.endsWith(':')) {
      onAdd(tag);
      onClose();
    }
  };
  return (
    <>
      <input
        className="jp-mlops-TagInput"
        autoFocus
        list={list}
        value={text}
        placeholder={trans.__('tag, then Enter')}
        aria-label={trans.__('New tag of cell %1', position)}
        onChange={event => setText(event.target.value)}
        onBlur={() => (text.trim() ? undefined : onClose())}
        onKeyDown={event => {
          // the notebook's own shortcuts must not see what is typed here
          event.stopPropagation();
          if (event.key === 'Enter') {
            add();
          } else if (event.key === 'Escape') {
            onClose();
          }
        }}
      />
      <datalist id={list}>
        {suggestions.map(({ tag, help }) => (
          <option key={tag} value={tag} label={help} />
        ))}
      </datalist>
    </>
  );
}
