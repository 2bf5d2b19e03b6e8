FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
COPY src/ src/
RUN pip install --no-cache-dir -r requirements.txt
USER 1000
