FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
WORKDIR /app
COPY . .
RUN ./prepare.sh && pip install --no-cache-dir -r requirements.txt
USER 1000
