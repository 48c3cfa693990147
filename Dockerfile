# The server over stdio by default. Over HTTP, `serve --http --host 0.0.0.0` starts once access.yaml says who may come in.
FROM python:3.11-slim AS build
WORKDIR /src
RUN pip install --no-cache-dir "uv>=0.9,<1"
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY src ./src
RUN uv venv /app && \
    uv pip sync --python /app/bin/python --require-hashes --compile-bytecode requirements.lock && \
    uv pip install --python /app/bin/python --no-deps --no-build-isolation --compile-bytecode .

FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends git ca-certificates && \
    rm -rf /var/lib/apt/lists/* && useradd --create-home --uid 10001 schema
LABEL org.opencontainers.image.title="schema-mcp" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /app /app
USER schema
WORKDIR /home/schema
ENTRYPOINT ["/app/bin/schema-mcp"]
CMD ["serve"]
