import { LabIcon } from '@jupyterlab/ui-components';

import mlopsSvg from '../style/icons/mlops.svg';

/** A pipeline's branch that ends in something new. */
export const mlopsIcon = new LabIcon({ name: 'jupyter-mlops:mlops', svgstr: mlopsSvg });
