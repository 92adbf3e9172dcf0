import { execFile } from "node:child_process";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../../src/root.ts";

const { onPath } = await import(`${ROOT}/scripts/setup/on-path.mjs`);
const run = promisify(execFile);

const BYTES = 64 * 1024 * 1024;

interface MountedDisk {
  /** Why the disk could not be mounted, and what to do; undefined if it is mounted. */
  missing: string | undefined;
  folder: string;
  unmount(): Promise<void>;
}

/** Mounts a real exFAT disk, a file system without unix sockets. Needs FUSE, loop devices and root. */
export async function mountExfat(): Promise<MountedDisk> {
  const none = { folder: "", unmount: async () => undefined };
  if (process.getuid?.() !== 0) return { ...none, missing: "only root may mount a disk" };
  if (!onPath("mount.exfat-fuse") || !onPath("mkfs.exfat")) {
    return { ...none, missing: "exFAT is missing (Debian, Ubuntu: apt install exfat-fuse exfatprogs)" };
  }
  const top = await mkdtemp(join(tmpdir(), "nst-exfat-"));
  const image = join(top, "image");
  const file = await open(image, "w");
  await file.truncate(BYTES);
  await file.close();
  await run("mkfs.exfat", [image]);
  const folder = await mkdtemp(join(top, "mounted-"));
  const { stdout } = await run("losetup", ["--find", "--show", image]);
  const device = stdout.trim();
  await run("mount.exfat-fuse", [device, folder]);
  return {
    missing: undefined,
    folder,
    async unmount() {
      await run("umount", [folder]);
      await run("losetup", ["--detach", device]);
      await rm(top, { recursive: true });
    },
  };
}
