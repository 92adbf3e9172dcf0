import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Reads "add PID" and "remove PID" until the pipe closes, as it does even if the parent is killed with SIGKILL. Then it
 * sends SIGTERM to the listed processes except the first, which the others need to stop cleanly: that one gets SIGTERM
 * when they have exited, or after five seconds.
 */
const SCRIPT = `
pids=
while read -r action pid; do
  case $action in
    add) pids="$pids $pid" ;;
    remove) rest=; for p in $pids; do [ "$p" = "$pid" ] || rest="$rest $p"; done; pids=$rest ;;
  esac
done
set -- $pids
[ $# -gt 0 ] || exit 0
first=$1; shift
[ $# -eq 0 ] || kill -TERM "$@" 2>/dev/null
for wait in 1 2 3 4 5 6 7 8 9 10; do
  alive=
  for p in "$@"; do kill -0 "$p" 2>/dev/null && alive=yes; done
  [ -n "$alive" ] || break
  sleep 0.5
done
[ $# -eq 0 ] || kill -KILL "$@" 2>/dev/null
kill -TERM "$first" 2>/dev/null
`;

/** Stops this process's children if this process dies without stopping them. */
export interface Watchdog {
  add(pid: number): void;
  remove(pid: number): void;
  /** Ends the watchdog, and leaves the listed processes alone. */
  release(): Promise<void>;
}

/** Stops the process that was added first after the others. */
export function startWatchdog(): Watchdog {
  // Detached: Ctrl-C in the terminal goes to the whole process group and must not end the watchdog.
  const shell = spawn("/bin/sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  shell.stdin.on("error", () => undefined);
  shell.unref();
  return {
    add: (pid) => shell.stdin.write(`add ${pid}\n`),
    remove: (pid) => shell.stdin.write(`remove ${pid}\n`),
    async release() {
      if (shell.exitCode !== null || shell.signalCode !== null) return;
      shell.ref();
      const closed = once(shell, "close");
      shell.kill("SIGKILL");
      await closed;
    },
  };
}
