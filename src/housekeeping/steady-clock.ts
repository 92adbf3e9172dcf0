/**
 * A clock by which nothing grows old too soon: where the system's clock is set forward, as it may be while a file is
 * on its way, this one goes on as time really does; where it is set back, so is this one.
 */
export class SteadyClock {
  private readonly wall = Date.now();
  private readonly start = performance.now();

  /** In ms since 1970. */
  now(): number {
    return Math.min(Date.now(), this.wall + performance.now() - this.start);
  }
}
