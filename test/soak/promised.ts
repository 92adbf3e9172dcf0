/** What clients were told, and so may count on. */
export class Promised {
  /** Accepted, whether alone, in a batch or as another's continuation. */
  readonly jobs = new Set<string>();
  /** Those of them whose end is to be told to the receiver. */
  readonly webhooks = new Set<string>();
  /** By job: the style weight that it was steered to, where that was answered. */
  readonly weights = new Map<string, number>();
  /** By batch: its jobs. */
  readonly batches = new Map<string, string[]>();

  accept(ids: string[], webhook: object | undefined): void {
    for (const id of ids) {
      this.jobs.add(id);
      if (webhook) this.webhooks.add(id);
    }
  }
}
