ARG TAG=3.11
ARG UNKNOWN
FROM python AS a
FROM registry.example:5000/base:latest AS b
FROM python:${TAG} AS c
FROM base:${UNKNOWN} AS d
FROM scratch AS e
FROM debian:bookworm-20240612-slim AS f
FROM c
USER 1000
