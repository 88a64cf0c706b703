"""The command `tf-ttur train`: python -m tf_ttur.train --config svhn."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["train", *commands.arguments()])
