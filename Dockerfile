# One image for every process: `diptych api`, `diptych worker generate` and so on (docs/many-machines.md).
FROM node:22-bookworm-slim

# The compiler stays: an image that runs on another processor than it was built on compiles the engine's binding anew.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates g++ python3 python3-pip \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir /app /data \
 && chown node:node /app /data

USER node
WORKDIR /app
COPY --chown=node:node . .

# cpu, or cuda for an NVIDIA GPU (3 GB of libraries)
ARG TENSORFLOW=cpu
ENV DIPTYCH_TENSORFLOW=$TENSORFLOW
RUN node setup/launch.mjs

# What a process keeps on its own machine: copies of models, checkpoints before they are in the bucket.
ENV DIPTYCH_HOME=/data
VOLUME /data

ENTRYPOINT ["node", "setup/launch.mjs", "src/cli/main.ts"]
CMD ["start"]
