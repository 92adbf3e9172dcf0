# syntax=docker/dockerfile:1
# Targets: api, worker-cpu, worker-gpu. See docs/deployment.md.
#   docker build --target api -t nst-api .
#   docker build --target worker-cpu -t nst-worker .
#   docker build --target worker-gpu --build-arg WEIGHTS=baked -t nst-worker-gpu .   # with models/vgg19 inside

# TensorFlow wants glibc: no Alpine. Pin it by digest in your registry.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim
# none: the weights come in a volume at /models/vgg19; baked: from models/vgg19 beside this file.
ARG WEIGHTS=none

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci

FROM packages AS compiled
COPY tsconfig.json ./
COPY scripts scripts
COPY clients clients
COPY examples examples
COPY local local
COPY src src
COPY studio studio
COPY workers workers
RUN node scripts/build.mjs \
 && find dist -name '*.map' -delete

# What runs, without what builds, and without the engine's packages.
FROM packages AS api-packages
RUN npm uninstall --no-save --omit=dev @tensorflow/tfjs-node-gpu h5wasm node-api-headers \
 && npm prune --omit=dev --no-save @tensorflow/tfjs-node-gpu \
 && rm -rf node_modules/@tensorflow node_modules/h5wasm node_modules/node-api-headers \
 && find node_modules -name '*.map' -delete

# TensorFlow out of the pinned wheels, its binding, and our kernels, which choose by the processor they run on.
FROM packages AS engine
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates g++ python3 python3-pip \
 && rm -rf /var/lib/apt/lists/*
ENV NST_CACHE_DIR=/opt/nst
COPY scripts scripts
COPY workers/engine/native workers/engine/native
COPY workers/sandbox workers/sandbox

FROM engine AS engine-cpu
RUN node scripts/containers/image/install-engine.mjs cpu

FROM engine AS engine-gpu
RUN node scripts/containers/image/install-engine.mjs gpu

FROM scratch AS weights-none
FROM scratch AS weights-baked
COPY models/vgg19 /models/vgg19
FROM weights-${WEIGHTS} AS weights

FROM ${NODE_IMAGE} AS runtime
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    DATA_DIR=/data \
    NST_VGG19_WEIGHTS=/models/vgg19
RUN mkdir -p /data /models/vgg19 && chown 1000:1000 /data
WORKDIR /app
COPY package.json LICENSE ./
# By number, so that Kubernetes can see that it is not root.
USER 1000:1000
STOPSIGNAL SIGTERM

FROM runtime AS api
COPY --from=api-packages /app/node_modules node_modules
COPY --from=compiled /app/dist dist
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/src/main.js"]

FROM runtime AS worker
ENV LIVENESS_FILE=/tmp/worker-liveness
COPY --from=compiled /app/dist dist
COPY --from=weights / /
# It touches its file every five seconds, whatever its engine computes.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
  CMD ["sh", "-c", "test -n \"$(find $LIVENESS_FILE -newermt '-30 seconds')\""]
CMD ["node", "dist/workers/main.js"]

FROM worker AS worker-cpu
COPY --from=engine-cpu /opt/nst /opt/nst
COPY --from=engine-cpu /app/node_modules node_modules
COPY --from=engine-cpu /app/build build

# Any host with NVIDIA's driver (525 or later) and its container toolkit: CUDA itself is in the wheels.
FROM worker AS worker-gpu
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=engine-gpu /opt/nst /opt/nst
COPY --from=engine-gpu /app/node_modules node_modules
COPY --from=engine-gpu /app/build build
