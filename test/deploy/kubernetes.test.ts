import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { ScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1";
import { Ajv } from "ajv";
import { Document, parseAllDocuments } from "yaml";
import { ROOT } from "../../src/root.ts";

const { installKubernetesSchemas } = await import(`${ROOT}/scripts/setup/kubernetes-schemas.mjs`);
const { cacheFolder } = await import(`${ROOT}/scripts/setup/folders.mjs`);

const FOLDER = join(ROOT, "deploy/kubernetes");
/** The oldest and the newest supported version of Kubernetes. */
const VERSIONS = ["1.30.0", "1.37.0"];

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  // biome-ignore lint/suspicious/noExplicitAny: the schemas check the manifests
  spec: any;
}

let manifests: Manifest[];
let schemas: string[];
beforeAll(async () => {
  const names = (await readdir(FOLDER)).filter((name) => name !== "kustomization.yaml");
  const texts = await Promise.all(names.sort().map((name) => readFile(join(FOLDER, name), "utf8")));
  manifests = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Manifest));
  schemas = await installKubernetesSchemas(cacheFolder(), VERSIONS, () => undefined);
});

/** The schema errors of a manifest, by the Kubernetes schemas in `folder`. */
async function schemaErrors(folder: string, manifest: Manifest): Promise<string[]> {
  const [group, version] = manifest.apiVersion.includes("/")
    ? manifest.apiVersion.split("/")
    : ["", manifest.apiVersion];
  const name = [manifest.kind.toLowerCase(), group?.split(".")[0], version].filter(Boolean).join("-");
  const read = async (file: string) => JSON.parse(await readFile(join(folder, file), "utf8"));
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ ...(await read("_definitions.json")), $schema: undefined }, "_definitions.json");
  const validate = ajv.compile({ ...(await read(`${name}.json`)), $schema: undefined });
  validate(manifest);
  return (validate.errors ?? []).map(({ instancePath, message, params }) =>
    [instancePath, message, JSON.stringify(params)].join(" "),
  );
}

const ofKind = (kind: string) => manifests.filter((manifest) => manifest.kind === kind);

describe("The Kubernetes manifests", () => {
  it.each(VERSIONS)("are valid for Kubernetes %s, without unknown fields", async (version) => {
    const folder = schemas[VERSIONS.indexOf(version)] ?? "";
    for (const manifest of manifests.filter(({ kind }) => kind !== "ScaledObject")) {
      expect([manifest.kind, manifest.metadata.name, await schemaErrors(folder, manifest)]).toEqual([
        manifest.kind,
        manifest.metadata.name,
        [],
      ]);
    }
  });

  it("are checked by schemas that reject a misspelt field and a wrong type", async () => {
    const [deployment] = ofKind("Deployment");
    const misspelt = structuredClone(deployment) as Manifest;
    misspelt.spec.template.spec.containers[0].livenessprobe = {};
    misspelt.spec.template.spec.terminationGracePeriodSeconds = "soon";
    const found = (await schemaErrors(schemas[1] ?? "", misspelt)).join("\n");
    expect(found).toMatch(/livenessprobe/);
    expect(found).toMatch(/terminationGracePeriodSeconds must be integer/);
  });

  it("contain valid KEDA ScaledObjects for the workers", () => {
    const scaled = ofKind("ScaledObject");
    expect(scaled.length).toBe(2);
    for (const scaledObject of scaled) {
      expect(() => new ScaledObject(scaledObject as never).validate()).not.toThrow();
      expect(ofKind("Deployment").map(({ metadata }) => metadata.name)).toContain(
        scaledObject.spec.scaleTargetRef.name,
      );
    }
    const wrong = structuredClone(scaled[0]) as Manifest;
    wrong.spec.maxReplicaCount = "many";
    expect(() => new ScaledObject(wrong as never).validate()).toThrow(/maxReplicaCount/);
  });

  it("are listed in the kustomization, except the example secret", async () => {
    const [kustomization] = parseAllDocuments(await readFile(join(FOLDER, "kustomization.yaml"), "utf8"));
    const { resources } = (kustomization ?? new Document()).toJS() as { resources: string[] };
    const files = (await readdir(FOLDER)).filter(
      (name) => !/^(kustomization|secret\.example)\.yaml$/.test(name),
    );
    expect([...resources].sort()).toEqual(files.sort());
  });

  it("give each container time to stop and no unneeded privileges", () => {
    for (const { metadata, spec } of ofKind("Deployment")) {
      const pod = spec.template.spec;
      // A worker stops within 10 s; the API within SHUTDOWN_SECONDS (30 by default) after its preStop sleep of 5 s.
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(metadata.name === "api" ? 35 : 10);
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
      });
      for (const { securityContext } of pod.containers) {
        expect(securityContext).toMatchObject({
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
        });
      }
    }
  });
});
