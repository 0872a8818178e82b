# One image for the API, the workers and the one-shot jobs: compose says which program runs and how its health is asked.
FROM python:3.11-slim AS libraries
WORKDIR /build
COPY requirements.lock .
# Hashes: what was locked is what is installed, whatever the index answers today.
RUN python -m venv /venv \
    && /venv/bin/pip install --disable-pip-version-check --no-cache-dir --require-hashes -r requirements.lock

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# A number and no name of the host: files that it might write belong to nobody else.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin dunlin
WORKDIR /app
COPY --from=libraries /venv /venv
COPY domain domain
COPY gateways gateways
COPY persistence persistence
COPY mail mail
COPY activities activities
COPY workflows workflows
COPY api api
COPY manage.py manage_gateways.py worker.py sweeper.py operations.py outage_watch.py public_holidays.py reapplying.py schedule_sync.py settings.py telemetry.py wiring.py wording.py ./
USER dunlin
EXPOSE 8000
CMD ["uvicorn", "--factory", "api.app:create_app", "--host", "0.0.0.0", "--port", "8000", "--timeout-graceful-shutdown", "5", "--no-proxy-headers"]
