# Not run by us yet; see README.md, "Docker".

FROM rust:1-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential cmake pkg-config libclang-dev libssl-dev zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
# RocksDB and librdkafka are compiled here: many minutes.
RUN cargo build --release --locked -p crossfeed -p simulator --bins

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libssl3 zlib1g libstdc++6 xmlsec1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home crossfeed \
 && install -d -o crossfeed -g crossfeed /var/lib/crossfeed /var/lib/crossfeed/positions
COPY --from=build /build/target/release/crossfeed /build/target/release/crossfeed-simulator /usr/local/bin/
USER crossfeed
# Positions have to outlive the container. Without a `positions` in the configuration they are in crossfeed-positions/ below.
WORKDIR /var/lib/crossfeed
VOLUME /var/lib/crossfeed
# Only reachable from outside with admin = "0.0.0.0:9464".
EXPOSE 9464
# The configuration is /etc/crossfeed/crossfeed.toml, unless -c names another.
ENTRYPOINT ["crossfeed"]
CMD ["run"]
