# A static binary on a root that holds nothing but it, the certificates of public authorities, and a folder for temporary files.
#
#   docker build -t engine --build-arg ENGINE_COMMIT="$(git log -1 --format='%h of %cs')" .
#   docker run --rm -v "$PWD/pipelines:/lake/pipelines:ro" -v "$PWD/data:/lake/data" -u "$(id -u)" \
#     engine run pipelines/assembled.yaml --sandbox
FROM rust:1.95-alpine AS build
# A C compiler for zstd, jemalloc and ring.
RUN apk add --no-cache make musl-dev
WORKDIR /source
COPY . .
# The checkout itself stays outside: whoever builds says which commit it is.
ARG ENGINE_COMMIT
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --profile dist --locked -p engine-cli && install -D target/dist/engine /root-folder/usr/bin/engine
RUN install -d -m 1777 /root-folder/tmp && install -d /empty

FROM scratch
# TLS trusts what stands here; mount another file over it, or set SSL_CERT_FILE, for an authority of your own.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /root-folder /
COPY --from=build --chown=65532:65532 /empty /lake
WORKDIR /lake
USER 65532:65532
ENTRYPOINT ["/usr/bin/engine"]
