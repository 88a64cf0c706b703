"""The command `tf-ttur list`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["list", *commands.arguments()])
