FROM python:3.11-slim

# The version control that the first installs wanted
RUN apt-get update && apt-get install -y git && apt-get clean

WORKDIR /app

# Everything there is
COPY . .

# What the steps need
RUN pip install --no-cache-dir -r requirements.txt

# The steps themselves
RUN pip install --no-cache-dir .
