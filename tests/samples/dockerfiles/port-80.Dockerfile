FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
EXPOSE 80
CMD ["python", "-m", "http.server", "80"]
