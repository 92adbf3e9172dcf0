/** What the API has promised to clients. */
export class Expected {
  /** Accepted, whether alone, in a batch or as another's continuation. */
  readonly jobs = new Set<string>();
  /** The jobs whose end must be delivered to the receiver. */
  readonly webhooks = new Set<string>();
  /** By job: the last style weight that the API confirmed. */
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
