FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
COPY requirements.txt ./
RUN pip install -r requirements.txt && \
    # a second one
    python3 -m pip install -q scipy
USER 1000
