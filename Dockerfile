# The base and the packages come from wherever the build is told to get them.
FROM node:26-slim AS build
WORKDIR /app
# First and by themselves, so that a change of the source leaves this layer as it is.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY rolldown.config.ts tsconfig.json ./
COPY certs certs
COPY src src
RUN npm run build

FROM node:26-slim
ENV NODE_ENV=production
WORKDIR /app

# The bundle holds its packages, and finds what it registers with --webhook-url beside its folder.
COPY package.json ./
COPY --from=build /app/dist dist
COPY deploy/webhook/webhooks.yaml deploy/webhook/

# `kleym-operator` is `kleym operator`: the manifests call it so, as those of the reference operator do.
RUN chmod 0755 dist/main.js && \
    for name in kleym kleym-operator kubectl-kleym; do ln -s /app/dist/main.js "/usr/local/bin/$name"; done

# What Node has compiled is kept: the operator starts in half the time and with less memory. Node files it by version and
# user, and writes nothing where it may not.
ENV NODE_COMPILE_CACHE=/app/compiled
RUN mkdir "$NODE_COMPILE_CACHE" && chown 65532:65532 "$NODE_COMPILE_CACHE"
# glibc gives each thread a heap of its own otherwise, though one thread does nearly all of the work: 10 MiB.
ENV MALLOC_ARENA_MAX=1

# By number: runAsNonRoot can't judge a name.
USER 65532:65532
RUN kleym-operator --help > /dev/null
EXPOSE 8081 8443 9443

# Node itself is process 1 and gets the signals. Another command: docker run --entrypoint kleym IMAGE check …
ENTRYPOINT ["kleym-operator"]
