FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
COPY data.tar.gz /tmp/
RUN tar -xf /tmp/data.tar.gz -C /srv
RUN rm /tmp/data.tar.gz
RUN curl -fsSo /opt/model.bin https://data.example/model.bin
RUN rm -f /opt/model.bin && true
RUN wget -O /opt/more.bin https://data.example/more.bin && unpack && rm /opt/more.bin
RUN rm -f /opt/more.bin
USER 1000
