import type { EventView, PromotionView } from './messages';

/** One stage of a promotion, joined from its events. */
export interface IStage {
  readonly name: string;
  /** What the stage is about, where there are several of its name: a step, an image. */
  readonly subject: string | null;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled' | 'noted';
  readonly message: string;
  /** What it took, or has taken so far; null for mere notices. */
  readonly seconds: number | null;
  readonly notices: readonly string[];
}

/** More notices than this are details of the work, of which only the newest is shown. */
const MANY = 3;

type Draft = { -readonly [K in keyof IStage]: IStage[K] };

/**
 * Join a promotion's events into its stages, in the order in which they began.
 *
 * A stage that runs while the promotion ends without success is one that failed.
 */
export function stages(promotion: PromotionView): IStage[] {
  const found: Draft[] = [];
  const started = new Map<Draft, number>();
  for (const event of promotion.events) {
    const subject = subjectOf(event);
    let stage = found.findLast(
      each => each.name === event.stage && (subject === null || each.subject === subject)
    );
    if (!stage) {
      stage = {
        name: event.stage,
        subject,
        state: 'noted',
        message: event.message,
        seconds: null,
        notices: []
      };
      found.push(stage);
    }
    if (event.status === 'notice') {
      stage.notices = [...stage.notices, event.message];
      continue;
    }
    stage.message = event.message;
    stage.state = event.status === 'done' ? 'done' : 'running';
    stage.seconds = event.seconds;
    if (!started.has(stage)) {
      started.set(stage, event.at);
    }
  }
  for (const stage of found) {
    if (stage.state === 'noted') {
      // the first notice of a stage that has only notices is its message already
      stage.notices = stage.notices.slice(1);
    } else if (stage.notices.length > MANY) {
      stage.notices = stage.state === 'running' ? stage.notices.slice(-1) : [];
    }
    if (stage.state === 'running') {
      stage.seconds = Math.max(0, promotion.seconds - (started.get(stage) ?? 0));
      if (promotion.status !== 'running') {
        stage.state = promotion.status;
      }
    }
  }
  return found;
}

function subjectOf(event: EventView): string | null {
  const subject = event.data.step ?? event.data.image;
  return typeof subject === 'string' ? subject : null;
}

/** Return what a promotion is doing now, in one line. */
export function latest(promotion: PromotionView): string | null {
  const all = stages(promotion);
  const running = all.filter(stage => stage.state === 'running');
  return (running.length ? running : all).at(-1)?.message ?? null;
}
