import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { freePorts } from "../../../local/free-ports.ts";
import { ROOT } from "../../../src/root.ts";
import { until } from "../until.ts";

const { installS3Server } = await import(`${ROOT}/scripts/setup/s3-server.mjs`);
const { cacheFolder } = await import(`${ROOT}/scripts/setup/folders.mjs`);

const ACCESS_KEY = "test-key";
const SECRET_KEY = "test-secret";
const ADMINISTRATOR = {
  name: "nst",
  credentials: [{ accessKey: ACCESS_KEY, secretKey: SECRET_KEY }],
  actions: ["Admin", "Read", "Write", "List"],
};
const START_MS = 90_000;

/** A real S3 server (SeaweedFS) with one bucket. */
export class TestS3Server {
  readonly bucket = "pictures";

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly endpoint: string,
  ) {}

  static async start(): Promise<TestS3Server> {
    const program = (await installS3Server(cacheFolder(), () => undefined)) as string;
    const folder = await mkdtemp(join(tmpdir(), "nst-s3-"));
    await writeFile(join(folder, "s3.json"), JSON.stringify({ identities: [ADMINISTRATOR] }));
    const names = ["master", "volume", "filer", "s3"];
    const ports = await freePorts(2 * names.length);
    const child = spawn(
      program,
      [
        ...["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", `-dir=${folder}`, "-filer", "-s3"],
        ...names.flatMap((name, index) => [
          `-${name}.port=${ports[2 * index]}`,
          `-${name}.port.grpc=${ports[2 * index + 1]}`,
        ]),
        ...[`-filer.localSocket=${folder}/filer.sock`, `-s3.localSocket=${folder}/s3.sock`],
        ...["-s3.port.iceberg=0", "-s3.port.lance=0", `-s3.config=${folder}/s3.json`],
        ...["-master.volumeSizeLimitMB=64", "-volume.max=16", "-volume.preStopSeconds=0"],
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    const server = new TestS3Server(child, folder, `http://127.0.0.1:${ports[6]}`);
    try {
      await server.makeBucket();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Environment variables for the service. */
  get environment(): Record<string, string> {
    return {
      STORAGE: "s3",
      S3_ENDPOINT: this.endpoint,
      S3_BUCKET: this.bucket,
      S3_ACCESS_KEY_ID: ACCESS_KEY,
      S3_SECRET_ACCESS_KEY: SECRET_KEY,
    };
  }

  /** Freezes the server until `thaw`: connections stay open, and nothing is answered. */
  freeze(): void {
    this.child.kill("SIGSTOP");
  }

  thaw(): void {
    this.child.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, "exit");
      this.child.kill("SIGKILL");
      await exit;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The parts of the server find each other some seconds after the port answers: it is up if it can make a bucket. */
  private async makeBucket(): Promise<void> {
    let stderrTail = "";
    this.child.stderr?.on("data", (bytes: Buffer) => {
      stderrTail = (stderrTail + bytes.toString()).slice(-2_000);
    });
    const client = new S3Client({
      endpoint: this.endpoint,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
      maxAttempts: 1,
    });
    const hasBucket = async () => {
      if (this.child.exitCode !== null) throw new Error("SeaweedFS exited");
      return await client.send(new CreateBucketCommand({ Bucket: this.bucket })).catch(() => null);
    };
    await until(hasBucket, START_MS).catch((cause: Error) => {
      throw new Error(`SeaweedFS did not start:\n${stderrTail}`, { cause });
    });
    client.destroy();
  }
}
