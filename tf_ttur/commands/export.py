"""Exports the generator of a run for plain TensorFlow, TFLite, ONNX or the Hugging Face Hub.

    tf-ttur export runs/svhn-ttur-seed0 --output exported/svhn
    tf-ttur export runs/svhn-ttur-seed0 --format onnx --output svhn.onnx
    tf-ttur export runs/svhn-ttur-seed0 --format hf --output hub/svhn

The generator is that of the last checkpoint. It computes in float32, whatever the precision of the
training. A run with `generator.ema_decay` exports the moving average of its weights, unless
`evaluation.weights` is live.
"""

import argparse
from collections.abc import Sequence

from tf_ttur import runs
from tf_ttur.commands import flags, program
from tf_ttur.training import formats
from tf_ttur.wording import counted


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    parser = flags.parser(__doc__, "export")
    parser.add_argument("workdir", metavar="WORKDIR", help="the run folder")
    parser.add_argument(
        "--output",
        required=True,
        metavar="PATH",
        help="the folder to write; a file NAME.tflite or NAME.onnx for these formats",
    )
    parser.add_argument(
        "--format",
        choices=formats.NAMES,
        default=formats.SAVED_MODEL,
        help="savedmodel for TensorFlow, sample and fid; hf: the same with a model card, to upload "
        "to the Hugging Face Hub; onnx needs pip install -e .[onnx] [savedmodel]",
    )
    flags.add_overwrite(parser)
    parser.add_argument(
        "--best",
        action="store_true",
        help="export the generator with the best value of the metric instead of the last one",
    )
    parser.add_argument(
        "--ema",
        action=argparse.BooleanOptionalAction,
        help="export the moving average of the weights, or not [what the run measured]",
    )
    arguments = parser.parse_args(words)
    if arguments.format in formats.FOLDERS:
        flags.refuse_unused(
            arguments,
            ["--overwrite"],
            f"with --format {arguments.format}",
            "--format tflite or onnx: an earlier SavedModel is replaced anyway",
        )
    formats.check_output(arguments.format, arguments.output, arguments.overwrite)
    program.start_tensorflow()
    from tf_ttur.training import export

    run = runs.open_run(arguments.workdir)
    updates = export.export_run(
        run, arguments.output, arguments.best, arguments.format, arguments.overwrite, arguments.ema
    )
    print(f"{arguments.output}: generator after {counted(updates, 'update')}")
