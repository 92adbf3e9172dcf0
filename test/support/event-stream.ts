interface ReceivedEvent {
  event: string;
  id: string;
  data: unknown;
}

/** Reads server-sent events one by one (WHATWG HTML, section 9.2.6), and counts comments. */
export class EventReader {
  comments = 0;
  /** The last reconnection time of the stream. */
  retryMs: number | null = null;
  private text = "";
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly decoder = new TextDecoder();

  constructor(response: Response) {
    if (!response.body) throw new Error("the response has no body");
    this.reader = response.body.getReader();
  }

  /** The next event, or null at the end of the stream. */
  async next(): Promise<ReceivedEvent | null> {
    for (;;) {
      const end = this.text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.text.slice(0, end);
        this.text = this.text.slice(end + 2);
        const retry = /^retry: (\d+)$/m.exec(block);
        if (retry) this.retryMs = Number(retry[1]);
        else if (block.startsWith(":")) this.comments += 1;
        else return parse(block);
      } else {
        const { done, value } = await this.reader.read();
        if (done) return null;
        this.text += this.decoder.decode(value, { stream: true });
      }
    }
  }

  async rest(): Promise<ReceivedEvent[]> {
    const events: ReceivedEvent[] = [];
    for (let event = await this.next(); event; event = await this.next()) events.push(event);
    return events;
  }

  async cancel(): Promise<void> {
    await this.reader.cancel();
  }
}

function parse(block: string): ReceivedEvent {
  const fields = new Map(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
  const data = JSON.parse(fields.get("data") ?? "null") as unknown;
  return { event: fields.get("event") ?? "", id: fields.get("id") ?? "", data };
}
