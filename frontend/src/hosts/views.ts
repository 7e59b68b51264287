// The views that a host has received, and who listens to them: the front-end interface of anywidget.

import { batch } from "@preact/signals";
import type { Views } from "../protocol";

type Listener = (...args: unknown[]) => void;

export class ViewStore {
  private readonly views: Partial<Views> = {};
  private readonly listeners = new Map<string, Set<Listener>>();

  get<K extends keyof Views>(key: K): Views[K] | undefined {
    return this.views[key];
  }

  on(event: string, callback: Listener): void {
    const known = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, known.add(callback));
  }

  off(event: string, callback: Listener): void {
    this.listeners.get(event)?.delete(callback);
  }

  /** Take views that have changed, and tell whoever listens. */
  protected take(views: Partial<Views>): void {
    Object.assign(this.views, views);
    batch(() => {
      for (const key of Object.keys(views)) this.fire(`change:${key}`);
      this.fire("change");
    });
  }

  private fire(event: string): void {
    for (const listener of this.listeners.get(event) ?? []) listener();
  }
}
