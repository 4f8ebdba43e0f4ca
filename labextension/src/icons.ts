import { LabIcon } from '@jupyterlab/ui-components';

import mlopsSvg from '../style/icons/mlops.svg';
import sweepSvg from '../style/icons/sweep.svg';

/** A pipeline's branch that ends in something new. */
export const mlopsIcon = new LabIcon({ name: 'jupyter-mlops:mlops', svgstr: mlopsSvg });

/** Points of a grid, one of which is the best. */
export const sweepIcon = new LabIcon({ name: 'jupyter-mlops:sweep', svgstr: sweepSvg });
