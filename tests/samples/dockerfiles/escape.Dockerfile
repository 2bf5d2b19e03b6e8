# escape=`
from python:3.11.9-slim as Base
Run apt-get update `
    # the lists stay

    && apt-get install -y --no-install-recommends libgomp1
onbuild run pip install x
FROM base
user 1000
