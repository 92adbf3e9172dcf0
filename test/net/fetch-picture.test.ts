import type { LookupAddress } from "node:dns";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "@jest/globals";
import type { ProblemError } from "../../src/contract/problems.ts";
import { fetchPicture } from "../../src/net/fetch-picture.ts";
import { createUrlPolicy, type UrlPolicy } from "../../src/net/url-policy.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** Starts a server on this machine and returns its URL. */
async function serve(listener: RequestListener, host = "127.0.0.1"): Promise<string> {
  const server = createServer(listener).listen(0, host);
  servers.push(server);
  await once(server, "listening");
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}

const publicOnly = createUrlPolicy();
const loopback = createUrlPolicy(["127.0.0.1/32"]);
const open = (url: string, policy: UrlPolicy = loopback, seconds = 10) =>
  fetchPicture(url, "content.url", policy, AbortSignal.timeout(seconds * 1000));
async function problemOf(url: string, policy?: UrlPolicy, seconds?: number): Promise<ProblemError> {
  return await open(url, policy, seconds).then(
    (stream) => {
      stream.destroy();
      throw new Error("expected a problem");
    },
    (error: ProblemError) => error,
  );
}
/** A policy with fixed addresses for names, as a malicious name server may return. */
function resolving(
  names: Record<string, string[]>,
  allows: UrlPolicy["allows"] = publicOnly.allows,
): UrlPolicy {
  return {
    allows,
    resolve: (name, callback) => {
      const addresses: LookupAddress[] = (names[name] ?? []).map((address) => ({
        address,
        family: address.includes(":") ? 6 : 4,
      }));
      callback(addresses.length > 0 ? null : new Error("ENOTFOUND"), addresses);
    },
  };
}

describe("A picture's URL", () => {
  it("returns its bytes, without forwarding headers of the client", async () => {
    let headers: IncomingHttpHeaders = {};
    const url = await serve((request, response) => {
      headers = request.headers;
      response.end("the picture");
    });
    expect((await buffer(await open(`${url}/cat.jpg?size=1`))).toString()).toBe("the picture");
    expect(Object.keys(headers).sort()).toEqual([
      "accept",
      "accept-encoding",
      "connection",
      "host",
      "user-agent",
    ]);
    expect(headers["user-agent"]).toMatch(/^nst\/\d+\.\d+/);
  });

  it("may redirect, also to a relative path", async () => {
    const url = await serve((request, response) => {
      if (request.url === "/a") response.writeHead(302, { location: "b" }).end();
      else if (request.url === "/b") response.writeHead(308, { location: `${url}/c` }).end();
      else response.end("found");
    });
    expect((await buffer(await open(`${url}/a`))).toString()).toBe("found");
  });
});

describe("A picture's URL is rejected", () => {
  it.each([
    ["http://127.0.0.1/", "loopback"],
    ["http://127.1/", "loopback, short"],
    ["http://2130706433/", "loopback, decimal"],
    ["http://0x7f000001/", "loopback, hexadecimal"],
    ["http://0177.0.0.1/", "loopback, octal"],
    ["http://0x7f.1/", "loopback, mixed"],
    ["http://0/", "this machine"],
    ["http://0.0.0.0/", "this machine"],
    ["http://127.0.0.1./", "loopback with a final dot"],
    ["http://①②⑦.⓪.⓪.①/", "loopback in other digits"],
    ["http://localhost/", "loopback by name"],
    ["http://[::1]/", "loopback, IPv6"],
    ["http://[::]/", "this machine, IPv6"],
    ["http://[::ffff:127.0.0.1]/", "IPv4 in IPv6"],
    ["http://[::ffff:7f00:1]/", "IPv4 in IPv6, hexadecimal"],
    ["http://[64:ff9b::127.0.0.1]/", "NAT64"],
    ["http://[2002:7f00:1::]/", "6to4"],
    ["http://10.0.0.1/", "private"],
    ["http://172.16.0.1/", "private"],
    ["http://192.168.0.1/", "private"],
    ["http://169.254.169.254/latest/meta-data/", "metadata"],
    ["http://[fd00:ec2::254]/latest/meta-data/", "metadata, IPv6"],
    ["http://[fe80::1]/", "link-local"],
    ["http://224.0.0.1/", "multicast"],
    ["ftp://example.org/cat.jpg", "another scheme"],
    ["file:///etc/passwd", "a file"],
    ["data:image/png;base64,AAAA", "data"],
    ["gopher://example.org/", "another scheme"],
    ["javascript:alert(1)", "a script"],
    ["http://user:secret@example.org/", "credentials"],
    ["//example.org/cat.jpg", "no scheme"],
    ["cat.jpg", "no URL"],
    ["http://", "no host"],
  ])("when it is %s: %s", async (url) => {
    const found = await problemOf(url, publicOnly);
    expect(found.code).toBe("url_not_allowed");
    expect(found.errors[0]?.path).toBe("content.url");
    expect(found.message).not.toContain("secret");
  });

  it("when its name resolves to a private address, alone or among others", async () => {
    const policy = resolving({
      "inside.example": ["10.1.2.3"],
      "both.example": ["93.184.216.34", "127.0.0.1"],
      "six.example": ["::ffff:127.0.0.1"],
    });
    for (const name of ["inside", "both", "six"]) {
      const found = await problemOf(`http://${name}.example/`, policy);
      expect(found.code).toBe("url_not_allowed");
      expect(found.message).not.toMatch(/10\.1\.2\.3|127\.0\.0\.1/);
    }
  });

  it("when its name resolves to another address for a later connection", async () => {
    const url = await serve((_request, response) => response.writeHead(302, { location: "/again" }).end());
    const answers = [["127.0.0.1"], ["10.0.0.1"]];
    const policy: UrlPolicy = {
      allows: (address) => address === "127.0.0.1",
      resolve: (name, callback) => resolving({ [name]: answers.shift() ?? [] }).resolve(name, callback),
    };
    const found = await problemOf(url.replace("127.0.0.1", "rebinding.example"), policy);
    expect(found.code).toBe("url_not_allowed");
    expect(answers).toEqual([]);
  });

  it.each(["http://169.254.169.254/", "http://[::1]/", "file:///etc/passwd", "http://a:b@127.0.0.1/"])(
    "when it redirects to %s",
    async (location) => {
      const url = await serve((_request, response) => response.writeHead(302, { location }).end());
      expect((await problemOf(url)).code).toBe("url_not_allowed");
    },
  );
});

describe("A picture's URL fails", () => {
  it.each([404, 500, 204, 304])("when it responds with %i", async (status) => {
    const url = await serve((_request, response) => response.writeHead(status).end());
    const found = await problemOf(url);
    expect(found.code).toBe("url_failed");
    expect(found.message).toContain(String(status));
  });

  it("when it redirects endlessly", async () => {
    let count = 0;
    const url = await serve((_request, response) => {
      count += 1;
      response.writeHead(302, { location: "/" }).end();
    });
    expect((await problemOf(url)).message).toContain("redirects more than 3 times");
    expect(count).toBe(4);
  });

  it("when no server listens there", async () => {
    const url = await serve(() => undefined);
    servers.splice(0).forEach((server) => void server.close());
    expect(await problemOf(url)).toMatchObject({ code: "url_failed" });
  });

  it("when its name does not exist", async () => {
    expect((await problemOf("http://nowhere.example/", resolving({}))).code).toBe("url_failed");
  });

  it("when it never responds", async () => {
    const url = await serve(() => undefined);
    const found = await problemOf(url, loopback, 0.2);
    expect(found.code).toBe("url_failed");
    expect(found.message).toContain("takes too long");
  });
});
