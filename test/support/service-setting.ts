import type { JobOutcome, JobRun } from "../../workers/job/job-run.ts";
import { JobsOverHttp } from "./jobs-over-http.ts";
import { succeed, TestPainter } from "./painter.ts";
import { TestService } from "./service.ts";

/** The real API, jobs as its clients see them, and painters whose work is up to the test. */
export class ServiceSetting {
  readonly jobs: JobsOverHttp;
  private readonly painters: TestPainter[] = [];

  private constructor(readonly service: TestService) {
    this.jobs = new JobsOverHttp(service);
  }

  static async start(): Promise<ServiceSetting> {
    return new ServiceSetting(await TestService.start());
  }

  /** A painter that takes jobs from now on; without `paint`, each succeeds. */
  startPainter(paint: (run: JobRun) => Promise<JobOutcome> = (run) => succeed(this.service, run)): void {
    this.painters.push(TestPainter.start(this.service, paint));
  }

  async stopPainters(): Promise<void> {
    for (const painter of this.painters.splice(0)) await painter.stop();
  }

  /** Stops the painters, and has nothing in Redis any more. */
  async clear(): Promise<void> {
    await this.stopPainters();
    await this.service.redis.flushall();
  }

  async close(): Promise<void> {
    await this.stopPainters();
    await this.service.stop();
  }
}
