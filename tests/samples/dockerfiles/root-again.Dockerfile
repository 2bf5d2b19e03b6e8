FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
USER 1000
RUN true
USER root
