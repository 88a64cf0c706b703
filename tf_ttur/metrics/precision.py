"""The number formats that feature networks compute in."""

PRECISIONS = ("float32", "bfloat16")
SHORT_NAMES = {"bf16": "bfloat16"}
