FROM alpine:3.20.1
RUN apk add python3 gcc musl-dev
USER 1000
