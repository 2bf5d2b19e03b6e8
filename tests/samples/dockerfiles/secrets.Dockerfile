FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
ARG GITHUB_TOKEN
ENV DB_PASSWORD=hunter2 TOKENIZERS_PARALLELISM=false
ENV API_KEY_FILE=/run/secrets/key
RUN pip install --no-cache-dir git+https://user:s3cr3t@git.example/x.git
RUN curl -H "Authorization: Bearer abcdef" https://data.example/x.bin -o /x.bin
COPY .env id_rsa ./
RUN --mount=type=secret,id=token TOKEN=$(cat /run/secrets/token) \
    && curl -H "Authorization: Bearer $TOKEN" https://$TOKEN@data.example/y --token $TOKEN
RUN fetch --password hunter2 && PGPASSWORD=hunter2 psql
USER 1000
