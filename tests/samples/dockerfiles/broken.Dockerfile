RUN echo too early
FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
FETCH all of it
RUN
COPY <<EOF /x
does not end
RUN pip install scipy
USER 1000
