FROM node:20.15.0-slim
WORKDIR /app
COPY . .
RUN npm ci
USER node
