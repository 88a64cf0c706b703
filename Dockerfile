# The package with all its commands, for the CPU or for NVIDIA GPUs.
#
#   docker build -t tf_ttur .
#   docker build -t tf_ttur:gpu --build-arg DEVICE=gpu .
#   docker run --rm -it -v "$PWD:/work" tf_ttur train --config quickstart
#   docker run --rm -it --gpus all -v "$PWD:/work" tf_ttur:gpu train --config quickstart
#
# The GPU image needs no CUDA base image: the locked packages bring CUDA and cuDNN. The host needs an
# NVIDIA driver and the NVIDIA Container Toolkit.
ARG PYTHON=3.12
FROM python:${PYTHON}-slim

# "cpu" or "gpu"
ARG DEVICE=cpu
WORKDIR /opt/tf_ttur
COPY requirements.txt ./
COPY requirements ./requirements
RUN lock=requirements.txt \
 && if [ "$DEVICE" = gpu ]; then lock=requirements/gpu.txt; fi \
 && python -m pip install --no-cache-dir -r "$lock"

COPY LICENSE README.md pyproject.toml ./
COPY configs ./configs
COPY tf_ttur ./tf_ttur
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation . \
 && useradd --create-home --uid 1000 user

USER 1000
WORKDIR /work
ENTRYPOINT ["tf-ttur"]
CMD ["--help"]
