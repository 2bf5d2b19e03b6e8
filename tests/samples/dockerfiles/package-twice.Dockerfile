FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
RUN pip install --no-cache-dir Pandas scipy
USER 1000
