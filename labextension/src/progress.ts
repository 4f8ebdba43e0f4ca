import type { PromotionView } from './messages';

/** One stage of a promotion, joined from its events. */
export interface IStage {
  readonly name: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled' | 'noted';
  readonly message: string;
  /** What it took, or has taken so far; null for mere notices. */
  readonly seconds: number | null;
  readonly notices: readonly string[];
}

/**
 * Join a promotion's events into its stages, in the order in which they began.
 *
 * The stage that runs while the promotion ends without success is the one that failed.
 */
export function stages(promotion: PromotionView): IStage[] {
  const found = new Map<string, { -readonly [K in keyof IStage]: IStage[K] }>();
  const started = new Map<string, number>();
  const notices = new Map<string, string[]>();
  for (const event of promotion.events) {
    const stage = found.get(event.stage) ?? {
      name: event.stage,
      state: 'noted',
      message: event.message,
      seconds: null,
      notices: []
    };
    found.set(event.stage, stage);
    if (event.status === 'notice') {
      notices.set(event.stage, [...(notices.get(event.stage) ?? []), event.message]);
    } else {
      stage.message = event.message;
      stage.state = event.status === 'done' ? 'done' : 'running';
      stage.seconds = event.seconds;
      started.set(event.stage, event.at);
    }
  }
  for (const stage of found.values()) {
    const told = notices.get(stage.name) ?? [];
    // the first notice of a stage that has only notices is its message already
    stage.notices = stage.state === 'noted' ? told.slice(1) : told;
    if (stage.state === 'running') {
      stage.seconds = Math.max(0, promotion.seconds - (started.get(stage.name) ?? 0));
      if (promotion.status !== 'running') {
        stage.state = promotion.status === 'done' ? 'done' : promotion.status;
      }
    }
  }
  return [...found.values()];
}

/** Return what a promotion is doing now, in one line. */
export function latest(promotion: PromotionView): string | null {
  const all = stages(promotion);
  const running = all.filter(stage => stage.state === 'running');
  return (running.length ? running : all).at(-1)?.message ?? null;
}
