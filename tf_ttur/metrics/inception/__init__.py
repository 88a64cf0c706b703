"""The original Inception network of the FID as a TensorFlow 2 function.

The frozen graph of 2015 (`classify_image_graph_def.pb`) holds an operation that TensorFlow 2 no
longer runs, `BatchNormWithGlobalNormalization`. Here the file is read as data: its few kinds of
operation are carried out one by one inside a `tf.function`, with each batch norm folded into the
convolution before it (in float64). An operation that is not in the list below is refused, and so
are sizes far from those of the original, so a graph from elsewhere cannot do anything but a bounded
amount of arithmetic.
"""

import hashlib
import http
import http.client
import math
import os
import pathlib
import shutil
import tarfile
import urllib.error
import urllib.request

import numpy as np
import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.io import console, files, saved_model
from tf_ttur.metrics.inception.replicas import Replicated

GRAPH_FILE = "classify_image_graph_def.pb"
ARCHIVE_FILE = "inception-2015-12-05.tgz"
ARCHIVE_URL = f"https://download.tensorflow.org/models/image/imagenet/{ARCHIVE_FILE}"

# Size in bytes and git-blob SHA-1: the digests under which the files are publicly known.
_ARCHIVE = (88_931_400, "c0b8db7a2feaf3e26970e968c9bb7452b53e7f32")
ORIGINAL = (95_673_916, "f34cb9b774a4547b5e214ef4202e5775a9c0f436")
_NETWORKS = {ORIGINAL[1]: "original", "63637cff8c4363af7342ba7cbf5b2657c26ca6fe": "stand-in"}

# Well above the original, whose file has 96 MB, whose constants have 24 million elements, and whose
# largest value 1.4 million for an image.
_MAX_BYTES, _MAX_ELEMENTS, _MAX_VALUES = 2**28, 2**26, 2**22


def locate(path=None):
    """Finds the network without downloading.

    Args:
      path: a `.pb`, the `.tgz`, a folder that holds either, `hub:HANDLE`, or None for the variable
        `TF_TTUR_INCEPTION` and then the cache.

    Returns:
      A path or `hub:HANDLE` that exists as far as can be told, or None if only a download can help.

    Raises:
      UserError: the place that was named holds no network.
    """
    named = path or os.environ.get("TF_TTUR_INCEPTION")
    if named and str(named).startswith("hub:"):
        return str(named)
    place = pathlib.Path(named).expanduser() if named else files.cache_dir()
    if place.is_file():
        return place
    for name in (GRAPH_FILE, ARCHIVE_FILE):
        if (place / name).is_file():
            return place / name
    if named:
        raise UserError(
            f"no Inception network at {place}",
            f"{GRAPH_FILE}, {ARCHIVE_FILE}, a folder that holds one of them, or hub:HANDLE",
            "correct --inception or TF_TTUR_INCEPTION, or leave both out to download the network",
        )
    return None


def download(timeout_seconds=10):
    """Downloads the original archive into the cache, checks it, and returns the path of the graph
    in it.

    What has come is kept in the cache as ARCHIVE_FILE.partial; a download that broke off goes on
    there.

    Raises:
      UserError: no internet, a file that is not the original, or another process that downloads it.
    """
    target = files.cache_dir() / GRAPH_FILE
    partial, lock = (
        files.cache_dir() / f"{ARCHIVE_FILE}.{ending}" for ending in ("partial", "lock")
    )
    files.check_writable(target)
    with files.lock(lock):
        try:
            _fetch(partial, timeout_seconds)
            size, digest = partial.stat().st_size, _git_blob_sha1(partial.read_bytes())
            if (size, digest) != _ARCHIVE:
                partial.unlink()
                raise UserError(
                    f"{ARCHIVE_URL} gave {size} bytes with git-blob SHA-1 {digest}",
                    f"{_ARCHIVE[0]} bytes with {_ARCHIVE[1]}",
                    "try again; if it stays so, fetch the archive from a source that you trust",
                )
            with files.atomic(target) as file:
                file.write(_read_archive(partial))
            partial.unlink()
        finally:
            lock.unlink(missing_ok=True)
    return target


def _fetch(partial, timeout_seconds):
    """Completes the file of what has come. It takes no more than one byte above the size of the
    archive, which tells that it is another.
    """
    done = partial.stat().st_size if partial.exists() else 0
    if done >= _ARCHIVE[0]:
        return
    after = f", after the {done / 1e6:.0f} MB that are here" if done else ""
    console.STDERR.print(
        f"downloading the Inception network ({_ARCHIVE[0] / 1e6:.0f} MB) from {ARCHIVE_URL}{after}",
        soft_wrap=True,
    )
    request = urllib.request.Request(
        ARCHIVE_URL, headers={"Range": f"bytes={done}-"} if done else {}
    )
    try:
        with urllib.request.build_opener(_Redirects).open(
            request, timeout=timeout_seconds
        ) as response:
            goes_on = (
                done
                and response.status == 206
                and response.headers.get("Content-Range", "").startswith(f"bytes {done}-")
            )
            with open(partial, "ab" if goes_on else "wb") as file:
                start = file.tell()
                shutil.copyfileobj(_Limited(response, _ARCHIVE[0] + 1 - start), file)
                came = file.tell() - start
        announced = int(response.headers.get("Content-Length") or came)
        if came < min(announced, _ARCHIVE[0] + 1 - start):
            raise OSError(f"the connection ended after {came} of {announced} bytes")
    except (OSError, http.client.HTTPException, ValueError) as error:  # URLError is an OSError
        if (
            isinstance(error, urllib.error.HTTPError)
            and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        ):
            partial.unlink(missing_ok=True)  # more than the server has: it is of another file
        raise UserError(
            f"the Inception network is not on this machine and cannot be downloaded ({error})",
            f"{GRAPH_FILE} or {ARCHIVE_FILE} of {ARCHIVE_URL}",
            f"try again, which goes on where it broke off; or fetch that file elsewhere, then name it by --inception PATH or "
            f"TF_TTUR_INCEPTION, or put it in {partial.parent}",
        ) from error


class _Limited:
    """A stream that ends after so many bytes."""

    def __init__(self, stream, left):
        self._stream, self._left = stream, left

    def read(self, size):
        block = self._stream.read(min(size, self._left))
        self._left -= len(block)
        return block


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect that would leave https."""

    def redirect_request(self, request, file, code, message, headers, url):
        if not url.startswith("https://"):
            raise urllib.error.URLError(
                f"{request.full_url} redirects to {url}, which is not https"
            )
        return super().redirect_request(request, file, code, message, headers, url)


def load(path=None, precision="float32", trust=False):
    """The network from where `locate` finds it, else downloaded, on all GPUs. Arguments as in
    `locate`, `Inception` and `HubInception`.

    Switches TensorFloat-32 off in this process: on a GPU the features would not be those of the
    original.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)
    place = locate(path) or download()
    if str(place).startswith("hub:"):
        return HubInception(str(place).removeprefix("hub:"), precision, trust)
    network = Inception(read_graph(place), precision, name=str(place))
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
    return Replicated(network, gpus) if len(gpus) > 1 else network


def read_graph(path):
    """The bytes of the frozen graph in a `.pb` or in the archive."""
    path = pathlib.Path(path)
    if path.suffix in (".tgz", ".gz", ".tar"):
        return _read_archive(path)
    _check_size(path, path.stat().st_size)
    return path.read_bytes()


def metric_name(network, kind="fid"):
    """The name of a value from the features of a network: "fid", "kid", ... for the original file
    alone, else "fid_stand_in" and the like.
    """
    return kind if network == "original" else f"{kind}_{network.replace('-', '_')}"


class Inception:
    """The frozen graph as a function of images.

    Attributes:
      network: "original", "stand-in", or "unknown" for a graph with another digest.
      metric: the name of the Fréchet distance of these features: "fid" for the original file alone,
        else "fid_stand_in" and the like.
      digest: git-blob SHA-1 of the file.
      precision: "float32", or "bfloat16" for the convolutions (weights and activations; resizing,
        pooling to pool_3 and logits stay float32).
      dimension: number of pool_3 features.
    """

    def __init__(self, content, precision="float32", name="the given bytes"):
        """Reads the graph.

        Args:
          content: the bytes of the frozen graph.
          precision: "float32" or "bfloat16".
          name: how messages call it.

        Raises:
          UserError: it is not such a graph.
        """
        graph = tf.compat.v1.GraphDef()
        try:
            graph.ParseFromString(content)
        except Exception as error:
            raise UserError(
                f"{name} is not a frozen graph ({error})", GRAPH_FILE, "fetch the file again"
            ) from error
        if precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision {precision!r}; expected 'float32' or 'bfloat16'")
        self.digest = _git_blob_sha1(content)
        self.network = _NETWORKS.get(self.digest, "unknown")
        self.metric = metric_name(self.network)
        self.precision, self._name = precision, name
        try:
            self._steps = _steps(graph, tf.dtypes.as_dtype(precision), name)
            self._function = tf.function(
                self._run, autograph=False, input_signature=[tf.TensorSpec((None, None, None, 3))]
            )
            self.dimension = self._function.get_concrete_function().structured_outputs[0].shape[1]
        except UserError:
            raise
        except Exception as error:  # of many kinds, where parts do not fit together
            reason = str(error).partition("\n")[0]
            raise _refusal(
                name, f"it cannot be carried out ({type(error).__name__}: {reason})"
            ) from error

    def __call__(self, images):
        """Features of images.

        Args:
          images: (n, height, width, 3) with n > 0, RGB, uint8 or float in 0 ... 255.

        Returns:
          (pool_3, logits): float32, (n, 2048) and (n, 1008). The logits are those of the Inception
          Score's original definition, without the bias.

        Raises:
          tf.errors.InvalidArgumentError: NaN or infinity in the images.
        """
        return self._function(tf.cast(images, tf.float32))

    def _run(self, images):
        # The graph itself checks after every convolution; once at the entrance serves the same
        # purpose.
        values = {"ExpandDims": tf.debugging.check_numerics(images, "images")}
        for name, operation, inputs in self._steps:
            values[name] = operation(*(values[i] for i in inputs))
            size = values[name].shape[1:].num_elements()
            if size is None or size > _MAX_VALUES:
                found = "an unknown number of" if size is None else f"{size:,}"
                raise _refusal(self._name, f"its node {name} has {found} values for an image")
        pool_3 = values["pool_3"]
        return tf.reshape(pool_3, (-1, pool_3.shape[-1])), values["softmax/logits/MatMul"]


class HubInception:
    """TF-GAN's TF-Hub module of the same network, behind the interface of `Inception` (float32
    only).
    """

    def __init__(self, handle, precision="float32", trust=False):
        """Loads the module that `handle` names; with `trust` it may hold any operation, as in
        `saved_model.load`.
        """
        import tensorflow_hub  # its import is slow and needs pkg_resources

        if precision != "float32":
            raise UserError(
                f"precision {precision} for hub:{handle}", "float32", "leave the precision out"
            )
        if handle.startswith("http://"):
            raise UserError(
                f"hub:{handle} would come unprotected", "https://", "correct the handle"
            )
        try:
            self._module = saved_model.load(tensorflow_hub.resolve(handle), trust)
            self.dimension = self._module(tf.zeros((1, 299, 299, 3)))["pool_3"].shape[-1]
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"hub:{handle} cannot be loaded ({error})",
                "a TF-Hub module with the outputs pool_3 and logits",
                "check the handle and the internet connection",
            ) from error
        self.network, self.metric = "hub", metric_name("hub")
        self.precision = precision
        self.digest = hashlib.sha1(handle.encode()).hexdigest()

    def __call__(self, images):
        """As `Inception.__call__`; the logits are the module's own."""
        outputs = self._module(_scale(resize(tf.cast(images, tf.float32), (299, 299))))
        return tf.reshape(outputs["pool_3"], (-1, self.dimension)), outputs["logits"]


def resize(images, size):
    """Bilinear as in 2015: source coordinate = target * (in / out), without the half-pixel shift of
    `tf.image.resize`.
    """
    return tf.raw_ops.ResizeBilinear(
        images=images, size=size, align_corners=False, half_pixel_centers=False
    )


def _scale(images):
    return (images - 128.0) * 0.0078125


def _steps(graph, dtype, name):
    """The graph as a list of (node name, operation on tensors, names of its inputs) in an order
    that can be run.
    """
    nodes = {node.name: node for node in graph.node}
    tensors = {
        node.name: node.attr["value"].tensor
        for node in graph.node
        if node.op == "Const" and node.attr["value"].HasField("tensor")
    }
    elements = sum(
        math.prod(abs(side.size) for side in tensor.tensor_shape.dim) for tensor in tensors.values()
    )
    if elements > _MAX_ELEMENTS:  # whatever they take in the file: one value may stand for all
        raise _refusal(name, f"its constants have {elements:,} elements")
    constants = {node: tf.make_ndarray(tensor) for node, tensor in tensors.items()}
    steps, done, begun = [], {"ExpandDims"}, {}
    pending = ["softmax/logits/MatMul", "pool_3"]
    while pending:
        node = nodes.get(pending[-1])
        if node is None:
            raise _refusal(name, f"it has no node {pending[-1]}")
        if node.name in done:
            pending.pop()
            continue
        if node.name not in begun:
            begun[node.name] = _operation(node, nodes, constants, dtype, name)
            pending.extend(begun[node.name][1])
            continue
        operation, inputs = begun[node.name]
        if not done.issuperset(inputs):
            raise _refusal(name, "its nodes form a circle")
        pending.pop()
        done.add(node.name)
        steps.append((node.name, operation, inputs))
    return steps


def _operation(node, nodes, constants, dtype, name):
    """One node as (function of tensors, names of the nodes whose values it takes)."""
    inputs = [
        i for i in node.input if not i.startswith("^")
    ]  # control dependencies only lead to CheckNumerics
    tensors = [i for i in inputs if i not in constants]
    arguments = [constants[i] for i in inputs if i in constants]
    attr = node.attr
    window = dict(
        ksize=list(attr["ksize"].list.i),
        strides=list(attr["strides"].list.i),
        padding=attr["padding"].s.decode(),
    )
    match node.op:
        case "Identity" | "CheckNumerics":
            return (lambda x: x), tensors
        case "Relu":
            return tf.nn.relu, tensors
        case "Concat":
            if int(arguments[0]) != 3:  # along the batch it could grow without end
                raise _refusal(name, f"its node {node.name} joins along axis {int(arguments[0])}")
            return (lambda *x: tf.concat(x, axis=3)), tensors
        case "MaxPool":
            return (lambda x: tf.nn.max_pool2d(x, **window)), tensors
        case "AvgPool" if node.name == "pool_3":
            return (lambda x: tf.nn.avg_pool2d(tf.cast(x, tf.float32), **window)), tensors
        case "AvgPool":
            return (lambda x: tf.nn.avg_pool2d(x, **window)), tensors
        case "ResizeBilinear":
            return (lambda x: resize(x, arguments[0])), tensors
        case "Sub":
            return (lambda x: x - arguments[0]), tensors
        case "Mul":
            return (lambda x: x * arguments[0]), tensors
        case "Reshape":
            return (lambda x: tf.reshape(x, (-1, arguments[0][-1]))), tensors
        case "MatMul":
            return (lambda x: tf.matmul(x, arguments[0])), tensors
        case "BatchNormWithGlobalNormalization":
            convolution = nodes[inputs[0]]
            if convolution.op != "Conv2D":
                raise _refusal(name, f"its node {node.name} normalises a {convolution.op}")
            mean, variance, beta, gamma = (a.astype(np.float64) for a in arguments)
            scale = 1 / np.sqrt(variance + attr["variance_epsilon"].f)
            if attr["scale_after_normalization"].b:
                scale = scale * gamma
            weights = tf.cast(constants[convolution.input[1]] * scale, dtype)
            bias = tf.cast(beta - mean * scale, dtype)
            strides, padding = (
                list(convolution.attr["strides"].list.i),
                convolution.attr["padding"].s.decode(),
            )
            convolve = lambda x: tf.nn.bias_add(
                tf.nn.conv2d(tf.cast(x, dtype), weights, strides, padding), bias
            )
            return convolve, [convolution.input[0]]
    raise _refusal(name, f"its node {node.name} is of the kind {node.op}")


def _refusal(name, reason):
    return UserError(
        f"{name} is not the Inception graph of 2015: {reason}", GRAPH_FILE, "name the right file"
    )


def _read_archive(path):
    """The graph's bytes out of the archive; nothing is extracted to disk."""
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and member.name.removeprefix("./") == GRAPH_FILE:
                    _check_size(f"{GRAPH_FILE} of {path}", member.size)
                    return archive.extractfile(member).read()
    except files.UNREADABLE as error:
        raise UserError(
            f"{path} cannot be read ({error})", ARCHIVE_FILE, "fetch the archive again"
        ) from error
    raise UserError(f"{path} holds no {GRAPH_FILE}", ARCHIVE_FILE, "fetch the archive again")


def _check_size(name, size):
    if size > _MAX_BYTES:
        raise UserError(
            f"{name} has {size:,} bytes",
            f"{GRAPH_FILE}, of {ORIGINAL[0]:,} bytes",
            "fetch the file again",
        )


def _git_blob_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
