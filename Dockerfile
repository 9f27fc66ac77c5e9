# Built from the repository's root: docker build -t blurcam .
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python3 -m venv /opt/blurcam
COPY packaging/requirements.lock packaging/requirements.lock
RUN /opt/blurcam/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r packaging/requirements.lock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY blurcam blurcam
# For blurcam --version: docker build --build-arg COMMIT=$(git rev-parse --short=12 HEAD) …
ARG COMMIT=
RUN BLURCAM_COMMIT=$COMMIT /opt/blurcam/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .
RUN BLURCAM_MODELS=/opt/blurcam/models /opt/blurcam/bin/blurcam models pull

FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends libegl1 libgl1 libgles2 libglib2.0-0 libsm6 libxext6 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/blurcam /opt/blurcam
ENV PATH=/opt/blurcam/bin:/usr/local/bin:/usr/bin:/bin BLURCAM_MODELS=/opt/blurcam/models PYTHONDONTWRITEBYTECODE=1
RUN install -d -o 10001 -g 10001 /config /media
USER 10001:10001
WORKDIR /media
VOLUME /media
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["blurcam", "health"]
ENTRYPOINT ["blurcam"]
CMD ["serve", "--config", "/config/cameras.yaml"]
