import { chmod, mkdir, stat } from "node:fs/promises";

/**
 * Creates a folder that only this user may enter, and with `group: true` its group. An existing one is closed to all others: the
 * umask or an earlier version may have opened it to every user of the machine.
 */
export async function makePrivateFolder(path: string, { group }: { group: boolean }): Promise<void> {
  const mode = group ? 0o770 : 0o700;
  await mkdir(path, { recursive: true, mode });
  const found = (await stat(path)).mode & 0o7777;
  const closed = found & (0o7000 | mode);
  // exFAT, SMB and another user's folders have no such permissions.
  if (closed !== found) await chmod(path, closed).catch(() => undefined);
}
