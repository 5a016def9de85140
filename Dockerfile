# The gateway and its embedded OCR server, for amd64 and arm64: nothing below names an architecture.
#
# The base image is pinned by tag, so that a rebuild brings Debian's security fixes. To make a build repeatable to
# the byte, pin it by digest: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:<digest>, where the digest is that of
# the multi-architecture index, as `docker buildx imagetools inspect python:3.13-slim` prints it.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# The dependencies come before the sources: a change of the code alone reuses this layer. Wheels only, as the slim
# image has no compiler.
COPY requirements/ocr.txt requirements/build.txt requirements/
RUN python -m venv --without-pip /opt/oneai \
    && pip --python /opt/oneai/bin/python install --require-hashes --only-binary=:all: -r requirements/ocr.txt \
    && pip install --require-hashes --only-binary=:all: -r requirements/build.txt

# The wheel is built outside /opt/oneai, so that no build tool is shipped.
COPY pyproject.toml README.md LICENSE ./
COPY examples/invoice.png examples/invoice.png
COPY oneai oneai
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/oneai/bin/python install --no-deps --no-index dist/*.whl


FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 oneai \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin oneai \
    && install --directory --owner=oneai --group=oneai --mode=700 /data
COPY --from=builder /opt/oneai /opt/oneai

ENV PATH=/opt/oneai/bin:$PATH \
    ONEAI_HOME=/data \
    HOST=0.0.0.0 \
    PORT=3100 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 3100
STOPSIGNAL SIGTERM

# slim has no curl. An empty ProxyHandler, or HTTP_PROXY would send the question elsewhere.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['PORT'] + '/live', timeout=4)"]
ENTRYPOINT ["oneai"]
CMD ["serve"]
