# syntax=docker/dockerfile:1
FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
RUN <<EOF
set -e
apt-get update
apt-get install -y --no-install-recommends libgomp1
EOF
COPY <<-end /etc/motd
	RUN apt-get update
	end
RUN <<PY python3
import os
PY
USER 1000
