FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
WORKDIR /app
COPY --chown=1000 . /app/
RUN pip install --no-cache-dir -r requirements.txt
USER 1000
