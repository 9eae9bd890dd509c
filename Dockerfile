# The page:    docker build -t bithuman-core . && docker run -p 7860:7860 bithuman-core   (docs/hosting.md)
# The service: docker build --target service .   in Ray: --target cluster                 (docs/deploying.md)
FROM python:3.11-slim-bookworm AS package

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    NUMBA_CACHE_DIR=/home/avatar/.cache/numba

RUN useradd --create-home --uid 1000 avatar
WORKDIR /home/avatar/app

# what seldom changes comes first, so that a change of the code installs nothing anew
COPY requirements.txt ./
RUN pip install -r requirements.txt espeakng-loader==0.2.4

COPY pyproject.toml README.md LICENSE NOTICE ./
COPY app.py ./
COPY assets/speech ./assets/speech
COPY models ./models
COPY bithuman_core ./bithuman_core
RUN pip install --no-deps --editable .

USER 1000
# compiles the renderer, so that the first start is quick
RUN python -m bithuman_core still models/mara.imx --output /tmp/mara.png && rm /tmp/mara.png


FROM package AS service
ARG EXTRAS=serve,s3,livekit,ears,talk
USER 0
RUN pip install --constraint requirements.txt --editable ".[$EXTRAS]" \
    && install --directory --owner avatar --mode 700 /data
USER 1000
ENV BITHUMAN_SERVICE_FOLDER=/data
EXPOSE 8088
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8088/ready', timeout=4)"]
CMD ["bithuman-core", "serve", "--host", "0.0.0.0"]


FROM package AS cluster
ARG EXTRAS=cluster,s3,livekit,ears,talk
USER 0
# KubeRay asks its containers by wget whether they live
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends wget && rm -rf /var/lib/apt/lists/* \
    && pip install --constraint requirements.txt --editable ".[$EXTRAS]"
USER 1000
ENV RAY_USAGE_STATS_ENABLED=0
HEALTHCHECK NONE
CMD ["bithuman-core", "serve", "--host", "0.0.0.0", "--cluster", "auto"]


FROM package AS page
ENV BITHUMAN_HOST=0.0.0.0 \
    BITHUMAN_PORT=7860 \
    BITHUMAN_OPEN_BROWSER=false
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/health', timeout=4)"]
CMD ["python", "app.py"]
