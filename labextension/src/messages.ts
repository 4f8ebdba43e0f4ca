// Generated from src/jupyter_mlops/models.py by scripts/generate_types.py; do not edit.

export interface Messages {
  ErrorMessage?: ErrorMessage;
  StatusView?: StatusView;
  PipelineView?: PipelineView;
  PipelineRequest?: PipelineRequest;
  SuggestionsView?: SuggestionsView;
  PromotionRequest?: PromotionRequest;
  PromotionAccepted?: PromotionAccepted;
  PromotionView?: PromotionView;
  PromotionsView?: PromotionsView;
  SweepFormView?: SweepFormView;
  SweepRequest?: SweepRequest;
  SweepPlanView?: SweepPlanView;
  SweepsView?: SweepsView;
  SweepView?: SweepView;
  SweepOpenRequest?: SweepOpenRequest;
  SweepOpenedView?: SweepOpenedView;
}
/**
 * The body of every answer that is not 2xx: what was wrong, where, what to do.
 */
export interface ErrorMessage {
  code: string;
  message: string;
  hint: string;
  place: PlaceMessage | null;
}
/**
 * Where something was found; cells and lines count from 1.
 */
export interface PlaceMessage {
  notebook: string | null;
  cell: number | null;
  cell_id: string | null;
  line: number | null;
}
/**
 * What the server is. ``engine`` tells whether a Docker engine seems to be there.
 */
export interface StatusView {
  version: string;
  engine: boolean;
}
/**
 * What a tagged notebook means.
 */
export interface PipelineView {
  name: string;
  notebook: string;
  cells: CellView[];
  parameters: ParameterView[];
  steps: StepView[];
  serving: ServingView | null;
  notices: NoticeView[];
}
/**
 * One cell; ``step`` is the step that runs it, ``prelude`` that every step may run it.
 */
export interface CellView {
  id: string;
  position: number;
  kind: 'code' | 'markdown' | 'raw';
  tags: string[];
  first_line: string;
  step: string | null;
  prelude: boolean;
}
/**
 * A parameter of the notebook; ``default`` is Python source.
 */
export interface ParameterView {
  name: string;
  default: string;
  type: string;
  help: string;
}
/**
 * One step; ``cells`` are ids, ``upstream`` names the steps that must have ended before.
 */
export interface StepView {
  name: string;
  cells: string[];
  first: NeededView[];
  inputs: InputView[];
  outputs: string[];
  parameters: string[];
  metrics: string[];
  upstream: string[];
}
/**
 * A cell that runs before a step's own, by its position, and the names it is needed for.
 */
export interface NeededView {
  cell: number;
  names: string[];
}
/**
 * A variable that a step reads and the step that provides it.
 */
export interface InputView {
  name: string;
  provider: string;
}
/**
 * What the endpoint will answer with: ``function`` of ``cell``, holding ``state``.
 */
export interface ServingView {
  function: string;
  cell: PlaceMessage;
  step: string;
  example: string;
  state: string[];
}
/**
 * Something to know of the compilation; never a reason to stop.
 */
export interface NoticeView {
  message: string;
  place: PlaceMessage;
}
/**
 * Asks what a notebook means as it is in the editor; ``content`` is its nbformat JSON.
 */
export interface PipelineRequest {
  path: string;
  content: {
    [k: string]: unknown;
  };
}
/**
 * Tags with which a notebook would compile; none where all cells have theirs.
 */
export interface SuggestionsView {
  notebook: string;
  tags: SuggestedTagView[];
}
/**
 * A tag that a cell could have, and why.
 */
export interface SuggestedTagView {
  cell: PlaceMessage;
  tag: string;
  reason: string;
}
/**
 * Asks for the promotion of a saved notebook; ``path`` is the contents API's.
 */
export interface PromotionRequest {
  path: string;
}
/**
 * The name under which a promotion can be asked after.
 */
export interface PromotionAccepted {
  id: string;
}
/**
 * A promotion: ``result`` is given when it is done, ``error`` when it failed.
 *
 * ``log`` holds the last lines of what the promotion's process said beside its events.
 */
export interface PromotionView {
  id: string;
  path: string;
  status: 'running' | 'done' | 'failed' | 'cancelled';
  seconds: number;
  events: EventView[];
  result: ReleaseView | null;
  error: ErrorMessage | null;
  log: string;
}
/**
 * One line of progress.
 *
 * ``at`` is when it was told, in seconds since the start; ``seconds`` is what a stage took,
 * given when it is done.
 */
export interface EventView {
  stage: string;
  message: string;
  status: 'started' | 'done' | 'notice';
  at: number;
  seconds: number | null;
  data: {
    [k: string]: unknown;
  };
}
/**
 * A release in short; ``images`` maps training and serving to image tags, None if local.
 */
export interface ReleaseView {
  ref: string;
  run: string;
  model_version: string | null;
  images: {
    [k: string]: string;
  } | null;
  target: string;
  proof: string;
  metrics: {
    [k: string]: number;
  };
}
/**
 * The promotions that this server knows, newest first.
 */
export interface PromotionsView {
  promotions: PromotionView[];
}
/**
 * What can be swept in a saved notebook; ``cores`` is how many points run at a time.
 */
export interface SweepFormView {
  path: string;
  parameters: SweepParameterView[];
  cores: number;
}
/**
 * A parameter as a form for sweeps shows it.
 *
 * ``allowed`` are its choices or its range in words; ``suggestion`` are words that try these,
 * empty where the notebook declares neither.
 */
export interface SweepParameterView {
  name: string;
  type: string;
  default: string;
  allowed: string;
  help: string;
  secret: boolean;
  suggestion: string;
}
/**
 * Asks for a sweep of a saved notebook, or what it would be.
 *
 * ``parameters`` are the words for each parameter, as behind ``-p``; empty words stand for what
 * the notebook declares. ``random`` draws so many points.
 */
export interface SweepRequest {
  path: string;
  parameters: {
    [k: string]: string;
  };
  metric: string;
  highest: boolean | null;
  workers: number | null;
  random: number | null;
}
/**
 * What a sweep would be: how many points, or what is wrong with which parameter's words.
 */
export interface SweepPlanView {
  points: number | null;
  fields: {
    [k: string]: ErrorMessage;
  };
  error: ErrorMessage | null;
}
/**
 * The sweeps of one notebook, the newest first, wherever they were started.
 */
export interface SweepsView {
  sweeps: SweepSummaryView[];
}
/**
 * A sweep, or a tuning, in short; ``value`` is the best one of its metric.
 *
 * ``started`` is in seconds since the epoch.
 */
export interface SweepSummaryView {
  name: string;
  kind: 'sweep' | 'tune';
  path: string;
  status: 'running' | 'ok' | 'failed' | 'stopped';
  started: number;
  done: number;
  total: number;
  failed: number;
  metric: string;
  value: number | null;
}
/**
 * A sweep with its rows, the running and the best first; ``hidden`` rows are left out.
 *
 * ``left`` is about how many seconds the rest takes. ``summary`` tells whether there is a summary
 * notebook. ``resume`` is the command that goes on with what has not ended well.
 */
export interface SweepView {
  name: string;
  kind: 'sweep' | 'tune';
  path: string;
  status: 'running' | 'ok' | 'failed' | 'stopped';
  started: number;
  done: number;
  total: number;
  failed: number;
  metric: string;
  value: number | null;
  highest: boolean;
  swept: string[];
  rows: SweepRowView[];
  hidden: number;
  best: number | null;
  shared: number;
  cells: number;
  seconds: number;
  left: number | null;
  summary: boolean;
  resume: string;
  error: ErrorMessage | null;
  log: string;
}
/**
 * One point; ``executed`` tells whether its executed notebook can be opened.
 */
export interface SweepRowView {
  number: number;
  parameters: {
    [k: string]: unknown;
  };
  status: 'waiting' | 'running' | 'ok' | 'failed' | 'pruned';
  run: string;
  metrics: {
    [k: string]: number | null;
  };
  seconds: number;
  error: string;
  executed: boolean;
}
/**
 * Asks for a sweep's summary notebook, or the executed notebook of a point, as a file.
 */
export interface SweepOpenRequest {
  path: string;
  point: number | null;
}
/**
 * Where the file is, as the contents API calls it.
 */
export interface SweepOpenedView {
  path: string;
}
